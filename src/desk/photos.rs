//! Agents' pictures: a centred square of what they upload, in the blob store, at an address that changes with the picture.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits, RgbImage};
use sqlx::PgConnection;
use tokio::sync::Semaphore;

use crate::app::App;
use crate::ids::AgentId;

/// The most that an upload may weigh, in bytes.
pub const MAX_BYTES: usize = 5_000_000;
/// The longest side that is decoded, in pixels: more than any telephone's camera makes.
const MAX_SIDE: u32 = 12_000;
/// What decoding may take, in bytes of memory.
const MAX_MEMORY: u64 = 300_000_000;
/// Sides of the stored picture, in pixels: twice the largest place it is shown in.
const SIDE: u32 = 192;
/// Letters of the hash in an address.
const MARK: usize = 16;

/// Decoding takes memory and a processor: one at a time in this process.
static DECODING: Semaphore = Semaphore::const_new(1);

/// Why a picture was not taken, in the words of the person who chose it.
#[derive(Debug, thiserror::Error)]
pub enum PhotoError {
    #[error("This is not a picture. Choose a JPEG, PNG or WebP file.")]
    Unknown,
    #[error("The picture is larger than 5 MB. Choose a smaller one.")]
    TooHeavy,
    #[error("The picture has too many pixels. Choose one with at most {MAX_SIDE} on each side.")]
    TooLarge,
    #[error("The picture cannot be read; the file may be damaged. Choose another one.")]
    Damaged,
    #[error(transparent)]
    Storage(#[from] std::io::Error),
}

/// The address of a picture. It holds a part of the picture's hash, so that browsers may keep each for ever.
pub fn address(agent: AgentId, sha256: &[u8]) -> String {
    format!("/faces/{agent}-{}.jpg", &hex::encode(sha256)[..MARK.min(sha256.len() * 2)])
}

/// Stores the square in the middle of a picture, without what a camera writes beside it (such as where it was taken), and returns the
/// blob's SHA-256.
pub async fn store(app: &App, bytes: Vec<u8>) -> Result<Vec<u8>, PhotoError> {
    if bytes.len() > MAX_BYTES {
        return Err(PhotoError::TooHeavy);
    }
    let _turn = DECODING.acquire().await.map_err(std::io::Error::other)?;
    let small = tokio::task::spawn_blocking(move || shrink(&bytes)).await.map_err(std::io::Error::other)??;
    Ok(app.blobs.put(&small).await?)
}

/// The stored picture of an agent, as the address names it.
pub async fn find(db: &mut PgConnection, agent: AgentId, mark: &str) -> sqlx::Result<Option<Vec<u8>>> {
    let photo = sqlx::query_scalar!("select photo from agents where id = $1", agent.0).fetch_optional(db).await?.flatten();
    Ok(photo.filter(|sha256| mark.len() == MARK && hex::encode(sha256).starts_with(mark)))
}

/// The stored picture of an agent.
pub async fn of(db: &mut PgConnection, agent: AgentId) -> sqlx::Result<Option<Vec<u8>>> {
    Ok(sqlx::query_scalar!("select photo from agents where id = $1", agent.0).fetch_optional(db).await?.flatten())
}

/// Sets an agent's picture, or takes it away.
pub async fn set(db: &mut PgConnection, agent: AgentId, sha256: Option<&[u8]>) -> sqlx::Result<()> {
    sqlx::query!("update agents set photo = $2 where id = $1", agent.0, sha256).execute(db).await?;
    Ok(())
}

fn shrink(bytes: &[u8]) -> Result<Vec<u8>, PhotoError> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    if !matches!(reader.format(), Some(ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP)) {
        return Err(PhotoError::Unknown);
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(reason)?;
    let orientation = decoder.orientation().map_err(reason)?;
    if decoder.total_bytes() > MAX_MEMORY {
        return Err(PhotoError::TooLarge);
    }
    let mut picture = DynamicImage::from_decoder(decoder).map_err(reason)?;
    let (width, height) = (picture.width(), picture.height());
    let side = width.min(height);
    if side == 0 {
        return Err(PhotoError::Damaged);
    }
    // Quickly to something small, then well; what telephones take is thirty times as wide as what is kept.
    let square = picture.crop((width - side) / 2, (height - side) / 2, side, side);
    let square = if side > SIDE * 4 { square.thumbnail_exact(SIDE * 2, SIDE * 2) } else { square };
    let mut square = square.resize_exact(SIDE, SIDE, FilterType::Lanczos3);
    square.apply_orientation(orientation);
    let mut small = Vec::new();
    JpegEncoder::new_with_quality(&mut small, 85).encode_image(&on_white(&square)).map_err(reason)?;
    Ok(small)
}

/// JPEG knows no transparency.
fn on_white(picture: &DynamicImage) -> RgbImage {
    let rgba = picture.to_rgba8();
    let over = |colour: u8, alpha: u8| {
        let (colour, alpha) = (u32::from(colour), u32::from(alpha));
        u8::try_from((colour * alpha + 255 * (255 - alpha) + 127) / 255).unwrap_or(u8::MAX)
    };
    RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [red, green, blue, alpha] = rgba.get_pixel(x, y).0;
        image::Rgb([over(red, alpha), over(green, alpha), over(blue, alpha)])
    })
}

fn reason(error: image::ImageError) -> PhotoError {
    match error {
        image::ImageError::Limits(_) => PhotoError::TooLarge,
        image::ImageError::IoError(_) | image::ImageError::Decoding(_) => PhotoError::Damaged,
        image::ImageError::Unsupported(_) => PhotoError::Unknown,
        other => {
            tracing::warn!(error = %other, "a picture could not be made smaller");
            PhotoError::Damaged
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32, colour: impl Fn(u32, u32) -> [u8; 4]) -> Vec<u8> {
        let picture = image::RgbaImage::from_fn(width, height, |x, y| image::Rgba(colour(x, y)));
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, ImageFormat::Png).expect("a picture");
        bytes.into_inner()
    }

    #[test]
    fn the_middle_of_a_wide_picture_is_kept() {
        // Red, then a green square, then blue; green's lower half is transparent.
        let wide = png(600, 200, |x, y| match x {
            0..200 => [255, 0, 0, 255],
            200..400 => [0, 200, 0, if y < 100 { 255 } else { 0 }],
            _ => [0, 0, 255, 255],
        });
        let small = shrink(&wide).expect("a picture");
        assert!(small.len() < 20_000, "{}", small.len());
        let small = image::load_from_memory_with_format(&small, ImageFormat::Jpeg).expect("a JPEG").to_rgb8();
        assert_eq!(small.dimensions(), (192, 192));
        let near = |x, y, [r, g, b]: [i16; 3]| {
            let is = small.get_pixel(x, y).0.map(i16::from);
            assert!((is[0] - r).abs() < 12 && (is[1] - g).abs() < 12 && (is[2] - b).abs() < 12, "{is:?} at {x},{y}");
        };
        near(96, 40, [0, 200, 0]);
        near(8, 40, [0, 200, 0]);
        near(96, 150, [255, 255, 255]);
    }

    #[test]
    fn what_is_no_picture_is_refused_in_words() {
        assert!(matches!(shrink(b"hello"), Err(PhotoError::Unknown)));
        assert!(matches!(shrink(b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"), Err(PhotoError::Unknown)));
        let whole = png(300, 300, |x, y| [u8::try_from(x % 256).unwrap_or(0), u8::try_from(y % 256).unwrap_or(0), 7, 255]);
        assert!(matches!(shrink(&whole[..whole.len() / 2]), Err(PhotoError::Damaged)));
        // A header that promises more pixels than there are atoms to store them in.
        let mut bomb = png(1, 1, |_, _| [0; 4]);
        bomb[16..24].copy_from_slice(&[0, 1, 0x11, 0x70, 0, 1, 0x11, 0x70]);
        assert!(shrink(&bomb).is_err());
    }
}
