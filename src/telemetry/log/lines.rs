//! Where lines wait for the thread that writes them.
//!
//! Whoever logs never waits for whoever reads: where the reader stalls, a container's log
//! driver or a journal, lines wait in memory, and those that find no room are left out,
//! counted and told of.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

use crate::telemetry::itself;

/// How much may wait, in bytes.
const MOST_WAITING: usize = 4 * 1024 * 1024;

/// How long the last lines may take to be written.
const LAST_LINES: Duration = Duration::from_millis(500);

enum Message {
    Line(Vec<u8>),
    /// All before it are to be written.
    Flush(SyncSender<()>),
}

/// Writes lines by a thread. Clones use the same.
#[derive(Clone)]
pub(super) struct Lines {
    queue: Sender<Message>,
    waiting: Arc<AtomicUsize>,
}

/// Lines that are being written. When this is dropped, what waits is written first, if that
/// does not take longer than half a second.
#[derive(Debug)]
pub struct Writing(Sender<Message>);

impl Lines {
    /// Writes to `out` from here on.
    pub(super) fn to(out: impl Write + Send + 'static) -> (Self, Writing) {
        let (queue, messages) = mpsc::channel();
        let waiting = Arc::<AtomicUsize>::default();
        let lines = Self {
            queue: queue.clone(),
            waiting: Arc::clone(&waiting),
        };
        std::thread::spawn(move || write_all(&messages, &waiting, out));
        (lines, Writing(queue))
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let (written, all) = mpsc::sync_channel(1);
        if self.0.send(Message::Flush(written)).is_ok() {
            let _ = all.recv_timeout(LAST_LINES);
        }
    }
}

fn write_all(messages: &Receiver<Message>, waiting: &AtomicUsize, mut out: impl Write) {
    let lost = &itself::counts().log_lines_lost;
    let mut told = lost.get();
    for message in messages {
        match message {
            Message::Line(line) => {
                // What reads may have gone, and may come back: a line is all that is lost.
                let written = out.write_all(&line).and_then(|()| out.flush()).is_ok();
                if !written {
                    lost.inc();
                }
                waiting.fetch_sub(line.len(), Ordering::Relaxed);
                let lost = lost.get();
                // There is room for it again, and somebody who takes it: otherwise it would
                // be lost itself, and told of, and lost.
                if written && lost > told && waiting.load(Ordering::Relaxed) == 0 {
                    tracing::warn!(lines = lost - told, "log lines were left out");
                    told = lost;
                }
            }
            Message::Flush(written) => {
                let _ = written.send(());
            }
        }
    }
}

impl<'lines> MakeWriter<'lines> for Lines {
    type Writer = &'lines Self;

    fn make_writer(&'lines self) -> Self::Writer {
        self
    }
}

/// The formatter writes each line as a whole.
impl Write for &Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let before = self.waiting.fetch_add(line.len(), Ordering::Relaxed);
        let sent = before + line.len() <= MOST_WAITING
            && self.queue.send(Message::Line(line.to_vec())).is_ok();
        if !sent {
            self.waiting.fetch_sub(line.len(), Ordering::Relaxed);
            itself::counts().log_lines_lost.inc();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Takes lines while its gate is open.
    struct Gated {
        gate: Arc<Mutex<()>>,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Gated {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _open = self.gate.lock().unwrap();
            self.written.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn whoever_logs_does_not_wait_and_what_waits_is_bounded_and_written_in_order() {
        let (gate, written) = (Arc::<Mutex<()>>::default(), Arc::default());
        let out = Gated {
            gate: Arc::clone(&gate),
            written: Arc::clone(&written),
        };
        let (lines, writing) = Lines::to(out);
        let lost = itself::counts().log_lines_lost.get();
        let of_a_kib = |number: usize| format!("{number:1023}\n");

        let closed = gate.lock().unwrap();
        let room = MOST_WAITING / 1024;
        for number in 0..room + 10 {
            (&lines).write_all(of_a_kib(number).as_bytes()).unwrap();
        }
        assert_eq!(itself::counts().log_lines_lost.get() - lost, 10);
        drop(closed);
        drop(writing);

        let expected: String = (0..room).map(of_a_kib).collect();
        assert_eq!(*written.lock().unwrap(), expected.into_bytes());
    }

    #[test]
    fn the_end_does_not_wait_for_a_reader_that_does_not_read() {
        let gate = Arc::<Mutex<()>>::default();
        let _closed = gate.lock().unwrap();
        let (lines, writing) = Lines::to(Gated {
            gate: Arc::clone(&gate),
            written: Arc::default(),
        });
        (&lines).write_all(b"a line\n").unwrap();

        drop(writing);
    }
}
