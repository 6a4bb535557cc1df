//! An AWS endpoint on a real socket that misbehaves as it is told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const JSON: &str = "application/x-amz-json-1.1";

/// What happens after a request has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A good answer.
    None,
    /// 500 with AWS's own error.
    InternalError,
    /// 503 with a page that no AWS service wrote.
    HtmlUnavailable,
    /// Nothing, ever.
    Silence,
    /// The connection is closed.
    Close,
    /// The connection is closed in the middle of the body.
    HalfBody,
    /// The first request of each connection is answered, and nothing after it: the peer has
    /// gone, and nobody has said so.
    SilenceAfterOne,
    /// A good answer, a byte at a time.
    Trickle,
    /// An answer that never ends, as fast as it is taken.
    Endless,
    /// The account has as many pools as it may have.
    LimitExceeded,
    /// Too many requests.
    Throttled,
}

/// The endpoint. It keeps the heads of the requests that it has read to their end.
pub struct FakeAws {
    pub url: String,
    heads: Arc<Heads>,
}

type Heads = Mutex<Vec<String>>;

impl FakeAws {
    pub async fn start(fault: Fault) -> Self {
        Self::serve(move |stream, heads| connection(stream, fault, heads)).await
    }

    /// Answers each request with bytes that are made of its operation and the number of
    /// requests before.
    pub async fn answering(
        answer: impl Fn(&str, usize) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let answer = Arc::new(answer);
        Self::serve(move |stream, heads| answered(stream, Arc::clone(&answer), heads)).await
    }

    async fn serve<F>(connection: impl Fn(TcpStream, Arc<Heads>) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heads = Arc::<Heads>::default();
        let kept = Arc::clone(&heads);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(connection(stream, Arc::clone(&kept)));
            }
        });
        Self { url, heads }
    }

    /// How many requests were on the wire.
    pub fn requests(&self) -> usize {
        self.heads.lock().unwrap().len()
    }

    /// The heads of all requests, in their order.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn answered(
    mut stream: TcpStream,
    answer: Arc<impl Fn(&str, usize) -> Vec<u8>>,
    heads: Arc<Heads>,
) {
    while let Some(head) = read_request(&mut stream).await {
        let number = keep(&heads, head.clone());
        let mut lines = head.lines();
        let target = lines.find_map(|line| line.strip_prefix("x-amz-target:"));
        let operation = target.unwrap().trim().rsplit('.').next().unwrap();
        if stream.write_all(&answer(operation, number)).await.is_err() {
            return;
        }
    }
}

async fn connection(mut stream: TcpStream, fault: Fault, heads: Arc<Heads>) {
    while let Some(head) = read_request(&mut stream).await {
        keep(&heads, head);
        let pool = r#"{"IdentityPoolId":"us-east-1:0a","IdentityPoolName":"p","AllowUnauthenticatedIdentities":false,"IdentityPoolTags":{}}"#;
        let answer = match fault {
            Fault::None | Fault::SilenceAfterOne => good(pool),
            Fault::InternalError => refusal("500 Internal Server Error", "InternalErrorException"),
            Fault::HtmlUnavailable => response(
                "503 Service Unavailable",
                "text/html",
                "",
                "<html><body>Service Unavailable</body></html>",
            ),
            Fault::LimitExceeded => refusal("400 Bad Request", "LimitExceededException"),
            Fault::Throttled => refusal("400 Bad Request", "TooManyRequestsException"),
            Fault::Silence => return std::future::pending().await,
            Fault::Close => return,
            Fault::Trickle => {
                let whole = good(pool);
                for byte in whole.as_bytes() {
                    if stream.write_all(&[*byte]).await.is_err() {
                        return;
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                return;
            }
            Fault::Endless => {
                let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {JSON}\r\n\r\n");
                let mut taken = stream.write_all(head.as_bytes()).await;
                while taken.is_ok() {
                    taken = stream.write_all(&[b' '; 64 * 1024]).await;
                }
                return;
            }
            Fault::HalfBody => {
                let whole = good(pool);
                let _ = stream
                    .write_all(&whole.as_bytes()[..whole.len() - 40])
                    .await;
                return;
            }
        };
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
        if fault == Fault::SilenceAfterOne {
            return std::future::pending().await;
        }
    }
}

/// Keeps a head, and tells how many there were before.
fn keep(heads: &Heads, head: String) -> usize {
    let mut heads = heads.lock().unwrap();
    heads.push(head);
    heads.len() - 1
}

/// Reads one HTTP/1.1 request with its body, and gives back its head; nothing when the peer
/// has gone.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut read = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        if let Some(head) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&read[..head]).into_owned();
            let length: usize = text
                .to_lowercase()
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"))
                .map_or(0, |length| length.trim().parse().unwrap());
            if read.len() >= head + 4 + length {
                return Some(text);
            }
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => read.extend_from_slice(&buffer[..count]),
        }
    }
}

/// What AWS answers where all is well.
pub fn good(body: &str) -> String {
    response("200 OK", JSON, "", body)
}

/// What AWS answers with an error.
pub fn refusal(status: &str, code: &str) -> String {
    let body = format!(r#"{{"__type":"{code}","message":"as told"}}"#);
    response(status, JSON, &format!("{code}:"), &body)
}

fn response(status: &str, content_type: &str, error_type: &str, body: &str) -> String {
    let error_type = match error_type {
        "" => String::new(),
        code => format!("x-amzn-errortype: {code}\r\n"),
    };
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\nx-amzn-requestid: fake-1\r\n{error_type}\r\n{body}",
        body.len()
    )
}
