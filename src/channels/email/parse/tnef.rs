//! `winmail.dat`: the box in which Outlook wraps what it attaches (MS-OXTNEF). Only what people want is taken out: files and, where there
//! is nothing else, the text.

/// Files taken out of one box.
const MAX_FILES: usize = 100;
/// Properties of one file that are looked at.
const MAX_PROPERTIES: usize = 500;

const SIGNATURE: u32 = 0x223e_9f78;

const BODY: u32 = 0x0002_800c;
const FILE_BEGINS: u32 = 0x0006_9002;
const FILE_DATA: u32 = 0x0006_800f;
const FILE_TITLE: u32 = 0x0001_8010;
const FILE_PROPERTIES: u32 = 0x0006_9005;
const MESSAGE_PROPERTIES: u32 = 0x0006_9003;

const TEXT: u16 = 0x1000;
const LONG_NAME: u16 = 0x3707;
const DATA: u16 = 0x3701;
const MEDIA_TYPE: u16 = 0x370e;
const CONTENT_ID: u16 = 0x3712;

/// What was in a box.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Unpacked {
    pub text: String,
    pub files: Vec<File>,
}

/// A file in it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct File {
    pub name: String,
    pub media_type: String,
    pub content_id: String,
    pub bytes: Vec<u8>,
}

/// Reads forward through bytes; every step says whether there was enough.
struct Bytes<'b>(&'b [u8]);

impl<'b> Bytes<'b> {
    fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn length(&mut self) -> Option<usize> {
        usize::try_from(self.u32()?).ok()
    }

    /// The same, in whole groups of four bytes.
    fn padded(&mut self, length: usize) -> Option<&'b [u8]> {
        let taken = self.take(length)?;
        self.take(length.wrapping_neg() % 4)?;
        Some(taken)
    }
}

/// Opens a box. `None`: it is none. One that is damaged gives what stands before the damage.
pub fn unpack(raw: &[u8]) -> Option<Unpacked> {
    let mut bytes = Bytes(raw);
    if bytes.u32()? != SIGNATURE {
        return None;
    }
    let _key = bytes.u16()?;
    let mut unpacked = Unpacked::default();
    while let Some((attribute, content)) = attribute(&mut bytes) {
        match attribute {
            FILE_BEGINS if unpacked.files.len() < MAX_FILES => unpacked.files.push(File::default()),
            FILE_BEGINS => break,
            BODY if unpacked.text.is_empty() => unpacked.text = words(content),
            MESSAGE_PROPERTIES => properties(content, &mut |id, kind, value| {
                if id == TEXT && unpacked.text.is_empty() {
                    unpacked.text = string(kind, value);
                }
            }),
            _ => {
                let Some(file) = unpacked.files.last_mut() else { continue };
                match attribute {
                    FILE_TITLE if file.name.is_empty() => file.name = words(content),
                    FILE_DATA => file.bytes = content.to_vec(),
                    FILE_PROPERTIES => properties(content, &mut |id, kind, value| match id {
                        LONG_NAME => file.name = string(kind, value),
                        MEDIA_TYPE => file.media_type = string(kind, value),
                        CONTENT_ID => file.content_id = string(kind, value),
                        DATA if file.bytes.is_empty() && kind == 0x0102 => file.bytes = value.to_vec(),
                        _ => {}
                    }),
                    _ => {}
                }
            }
        }
    }
    unpacked.files.retain(|file| !file.bytes.is_empty());
    Some(unpacked)
}

/// One attribute: level, type and name in one number, its content; the checksum is left to others.
fn attribute<'b>(bytes: &mut Bytes<'b>) -> Option<(u32, &'b [u8])> {
    let _level = bytes.take(1)?;
    let name = bytes.u32()?;
    let length = bytes.length()?;
    let content = bytes.take(length)?;
    bytes.u16()?;
    Some((name, content))
}

/// The MAPI properties of an attribute, each with its type and its first value.
fn properties(content: &[u8], each: &mut dyn FnMut(u16, u16, &[u8])) {
    let mut bytes = Bytes(content);
    let count = bytes.length().unwrap_or(0);
    for _ in 0..count.min(MAX_PROPERTIES) {
        if property(&mut bytes, each).is_none() {
            return;
        }
    }
}

fn property(bytes: &mut Bytes<'_>, each: &mut dyn FnMut(u16, u16, &[u8])) -> Option<()> {
    let kind = bytes.u16()?;
    let id = bytes.u16()?;
    if id >= 0x8000 {
        bytes.take(16)?;
        if bytes.u32()? == 0 {
            bytes.u32()?;
        } else {
            let length = bytes.length()?;
            bytes.padded(length)?;
        }
    }
    let many = kind & 0x1000 != 0;
    let kind = kind & 0x0fff;
    let variable = matches!(kind, 0x001e | 0x001f | 0x0102 | 0x000d);
    let count = if many || variable { bytes.length()? } else { 1 };
    for index in 0..count.min(MAX_PROPERTIES) {
        let length = match kind {
            0x0002 | 0x000b => 4,
            0x0003 | 0x0004 | 0x000a => 4,
            0x0005 | 0x0006 | 0x0007 | 0x0014 | 0x0040 => 8,
            0x0048 => 16,
            0x001e | 0x001f | 0x0102 | 0x000d => bytes.length()?,
            _ => return None,
        };
        let value = bytes.padded(length)?;
        if index == 0 {
            each(id, kind, value);
        }
    }
    Some(())
}

fn string(kind: u16, value: &[u8]) -> String {
    if kind == 0x001f {
        let units: Vec<u16> = value.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        return String::from_utf16_lossy(&units).trim_end_matches('\0').to_owned();
    }
    words(value)
}

fn words(value: &[u8]) -> String {
    let end = value.iter().position(|&byte| byte == 0).unwrap_or(value.len());
    super::headers::decoded(&value[..end])
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A box with one file.
    pub fn boxed(name: &str, bytes: &[u8]) -> Vec<u8> {
        let mut out = SIGNATURE.to_le_bytes().to_vec();
        out.extend([1, 0]);
        let mut push = |level: u8, attribute: u32, content: &[u8]| {
            out.push(level);
            out.extend(attribute.to_le_bytes());
            out.extend(u32::try_from(content.len()).expect("short").to_le_bytes());
            out.extend(content);
            out.extend(content.iter().fold(0_u16, |sum, &byte| sum.wrapping_add(u16::from(byte))).to_le_bytes());
        };
        push(2, FILE_BEGINS, &[0; 14]);
        push(2, FILE_TITLE, b"SHORT~1.PDF\0");
        push(2, FILE_DATA, bytes);
        let wide: Vec<u8> = name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
        let mut properties = 2_u32.to_le_bytes().to_vec();
        properties.extend([0x03, 0, 0x05, 0x37, 1, 0, 0, 0]);
        properties.extend([0x1f, 0, 0x07, 0x37, 1, 0, 0, 0]);
        properties.extend(u32::try_from(wide.len()).expect("short").to_le_bytes());
        properties.extend(&wide);
        properties.extend(vec![0; wide.len().wrapping_neg() % 4]);
        push(2, FILE_PROPERTIES, &properties);
        out
    }

    #[test]
    fn files_are_taken_out_under_their_long_names() {
        let unpacked = unpack(&boxed("Fattura n. 12 – maggio.pdf", b"%PDF-1.4")).expect("a box");
        assert_eq!(unpacked.files.len(), 1);
        assert_eq!((&*unpacked.files[0].name, &*unpacked.files[0].bytes), ("Fattura n. 12 – maggio.pdf", &b"%PDF-1.4"[..]));
    }

    #[test]
    fn damage_gives_what_stands_before_it() {
        let whole = boxed("x.pdf", b"%PDF-1.4");
        for end in 0..whole.len() {
            unpack(&whole[..end]);
        }
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] = 0xff;
            unpack(&damaged);
        }
        assert_eq!(unpack(b"PK\x03\x04"), None);
        assert_eq!(unpack(b""), None);
    }
}
