//! Server-sent events, read as the bytes arrive (WHATWG HTML, section 9.2.6). Only `data` matters here.

/// Cuts a stream of bytes into the data of its events.
#[derive(Debug, Default)]
pub(crate) struct EventReader {
    /// Bytes of the line that is not complete yet.
    line: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    /// The last byte was a carriage return: a line feed after it belongs to it.
    after_return: bool,
}

// === impl EventReader ===

impl EventReader {
    /// Takes the next bytes and gives the data of every event that they complete.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut events = Vec::new();
        for byte in bytes {
            let ends_line = match byte {
                b'\n' if self.after_return => {
                    self.after_return = false;
                    continue;
                }
                b'\n' => true,
                b'\r' => {
                    self.after_return = true;
                    true
                }
                _ => false,
            };
            if !ends_line {
                self.after_return = false;
                self.line.push(*byte);
                continue;
            }
            if let Some(event) = self.end_line() {
                events.push(event);
            }
        }
        events
    }

    fn end_line(&mut self) -> Option<Vec<u8>> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            return std::mem::take(&mut self.has_data).then(|| std::mem::take(&mut self.data));
        }
        let value = line.strip_prefix(b"data:".as_slice())?;
        if std::mem::replace(&mut self.has_data, true) {
            self.data.push(b'\n');
        }
        self.data.extend_from_slice(value.strip_prefix(b" ".as_slice()).unwrap_or(value));
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STREAM: &[u8] =
        b": hello\r\nid: 1\r\ndata: {\"a\":\r\ndata: 1}\r\n\r\nevent: x\n\ndata:second\n\ndata: never ended";

    #[test]
    fn events_are_found_however_their_lines_end() {
        let events = EventReader::default().push(STREAM);
        assert_eq!(events, [b"{\"a\":\n1}".to_vec(), b"second".to_vec()]);
    }

    proptest! {
        #[test]
        fn events_are_the_same_however_the_bytes_arrive(cut in 0..STREAM.len()) {
            let mut reader = EventReader::default();
            let mut events = reader.push(&STREAM[..cut]);
            events.extend(reader.push(&STREAM[cut..]));
            prop_assert_eq!(events, EventReader::default().push(STREAM));
        }
    }
}
