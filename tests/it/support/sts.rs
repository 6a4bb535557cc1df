//! AWS's Security Token Service on a real socket: it speaks the query protocol, keeps what
//! it is asked, and answers as a test wants.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// What the service does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// It gives sessions that last this long.
    Sessions(Duration),
    /// It refuses, and says more than callers should know.
    Refusal,
    /// It fails.
    Failure,
    /// It says nothing, ever.
    Silence,
    /// It says nothing about sessions whose name begins so, and gives others for an hour.
    SilenceFor(&'static str),
}

/// A request for a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub role: String,
    pub session: String,
    pub external_id: Option<String>,
    pub seconds: Option<String>,
    /// Keys and values.
    pub tags: Vec<(String, String)>,
    /// The access key of the session that was given.
    pub key: String,
    /// The head `authorization`.
    pub signature: String,
}

/// The service.
pub struct Sts {
    pub url: String,
    state: Arc<State>,
}

struct State {
    answers: Mutex<Answers>,
    asked: Mutex<Vec<Asked>>,
}

impl Sts {
    pub async fn start(answers: Answers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            answers: Mutex::new(answers),
            asked: Mutex::default(),
        });
        let kept = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&kept);
                let service = service_fn(move |request| answer(Arc::clone(&state), request));
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                tokio::spawn(connection);
            }
        });
        Self { url, state }
    }

    /// From now on it does this.
    pub fn set(&self, answers: Answers) {
        *self.state.answers.lock().unwrap() = answers;
    }

    /// What it was asked, in order.
    pub fn asked(&self) -> Vec<Asked> {
        self.state.asked.lock().unwrap().clone()
    }
}

async fn answer(
    state: Arc<State>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let form = body.collect().await.unwrap().to_bytes();
    let form: Vec<(String, String)> = form_urlencoded::parse(&form).into_owned().collect();
    let get = |name: &str| {
        let mut found = form.iter().filter(|(key, _)| key == name);
        found.next().map(|(_, value)| value.clone())
    };
    assert_eq!(get("Action").as_deref(), Some("AssumeRole"));
    assert_eq!(get("Version").as_deref(), Some("2011-06-15"));
    let tags = (1..).map_while(|number| {
        let member = |name: &str| get(&format!("Tags.member.{number}.{name}"));
        Some((member("Key")?, member("Value")?))
    });
    let authorization = head.headers.get("authorization");
    let mut asked = Asked {
        role: get("RoleArn").unwrap(),
        session: get("RoleSessionName").unwrap(),
        external_id: get("ExternalId"),
        seconds: get("DurationSeconds"),
        tags: tags.collect(),
        key: String::new(),
        signature: authorization.map_or_else(String::new, |it| it.to_str().unwrap().to_owned()),
    };
    let answers = *state.answers.lock().unwrap();
    let number = {
        let mut all = state.asked.lock().unwrap();
        asked.key = format!(
            "ASIA{}N{}",
            asked.session.to_uppercase().replace('-', ""),
            all.len()
        );
        all.push(asked.clone());
        all.len()
    };
    let (status, body) = match answers {
        Answers::Sessions(lasts) => (200, given(&asked, lasts)),
        Answers::Refusal => {
            let role = &asked.role;
            let message = format!(
                "User: arn:aws:sts::999999999999:assumed-role/facade/me is not authorized to \
                 perform: sts:AssumeRole on resource: {role}"
            );
            (403, refused("AccessDenied", &message))
        }
        Answers::Failure => (500, refused("InternalFailure", "as told")),
        Answers::Silence => std::future::pending().await,
        Answers::SilenceFor(name) if asked.session.starts_with(name) => {
            std::future::pending().await
        }
        Answers::SilenceFor(_) => (200, given(&asked, Duration::from_secs(3600))),
    };
    let response = Response::builder()
        .status(status)
        .header("content-type", "text/xml")
        .header("x-amzn-requestid", format!("sts-{number}"));
    Ok(response.body(Full::from(body)).unwrap())
}

fn given(asked: &Asked, lasts: Duration) -> String {
    let end = humantime::format_rfc3339_millis(SystemTime::now() + lasts);
    let Asked { key, session, .. } = asked;
    format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
         <AssumedRoleUser><Arn>arn:aws:sts::111111111111:assumed-role/r/{session}</Arn>\
         <AssumedRoleId>AROA:{session}</AssumedRoleId></AssumedRoleUser><Credentials>\
         <AccessKeyId>{key}</AccessKeyId><SecretAccessKey>a-secret-of-a-session</SecretAccessKey>\
         <SessionToken>a-token-of-a-session</SessionToken><Expiration>{end}</Expiration>\
         </Credentials></AssumeRoleResult><ResponseMetadata><RequestId>x</RequestId>\
         </ResponseMetadata></AssumeRoleResponse>"
    )
}

fn refused(code: &str, message: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>\
         <Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
         <RequestId>x</RequestId></ErrorResponse>"
    )
}
