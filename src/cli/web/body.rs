//! What requests bring: a body of bounded size within a bounded time, and the pictures in it.

use super::{
    super::predict::Taking,
    reply::{Refusal, bad, refused},
};
use http_body_util::{BodyDataStream, BodyExt, Full, LengthLimitError, Limited};
use hyper::{HeaderMap, StatusCode, body::Bytes, body::Incoming, header};
use std::{path::PathBuf, time::Duration};
use wgrad::data::picture::Picture;

/// How long a body may take to arrive.
const TIME: Duration = Duration::from_secs(30);
/// Pictures in one request.
const PICTURES: usize = 64;

/// The body of a request, of at most `most` bytes.
pub async fn read(headers: &HeaderMap, body: Incoming, most: usize) -> Result<Bytes, Refusal> {
    let too_large = |got: String| {
        let words = format!("got a body of {got} bytes, expected at most {most}; send less at once");
        refused(StatusCode::PAYLOAD_TOO_LARGE, words)
    };
    let told =
        headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if let Some(length) = told.filter(|length| *length > most as u64) {
        return Err(too_large(length.to_string()));
    }
    match tokio::time::timeout(TIME, Limited::new(body, most).collect()).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(e)) if e.is::<LengthLimitError>() => Err(too_large(format!("more than {most}"))),
        Ok(Err(e)) => Err(bad(format!("the body did not arrive: {e}"))),
        Err(_) => {
            let words = format!("the body did not arrive within {} s", TIME.as_secs());
            Err(refused(StatusCode::REQUEST_TIMEOUT, words))
        }
    }
}

/// The pictures of a body, with their names: each file of a form (`multipart/form-data`), or the body itself.
pub async fn pictures(headers: &HeaderMap, body: Bytes) -> Result<Vec<(String, Bytes)>, Refusal> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let no = |words: &str| Err(bad(words));
    if !kind.to_ascii_lowercase().starts_with("multipart/") {
        return match body.is_empty() {
            true => {
                no("got an empty body, expected the bytes of a PNG, JPEG or WebP file, or a form with files")
            }
            false => Ok(vec![("image".into(), body)]),
        };
    }
    let pictures = match multer::parse_boundary(kind) {
        Ok(boundary) => form(body, boundary).await,
        Err(e) => Err(e),
    };
    match pictures {
        Err(e) => no(&format!("got a form that cannot be read: {e}")),
        Ok(pictures) if pictures.is_empty() => {
            no("got a form without a file, expected PNG, JPEG or WebP files")
        }
        Ok(pictures) if pictures.len() > PICTURES => {
            no(&format!("got a form with more than {PICTURES} files; send several requests"))
        }
        Ok(pictures) => Ok(pictures),
    }
}

/// The files of a form, up to one more than are allowed.
async fn form(body: Bytes, boundary: String) -> multer::Result<Vec<(String, Bytes)>> {
    let mut form = multer::Multipart::new(BodyDataStream::new(Full::new(body)), boundary);
    let mut pictures = Vec::new();
    while let Some(field) = form.next_field().await? {
        let name = field.file_name().or(field.name()).unwrap_or("image").to_string();
        let bytes = field.bytes().await?;
        if !bytes.is_empty() && pictures.len() <= PICTURES {
            pictures.push((name, bytes));
        }
    }
    Ok(pictures)
}

/// A picture as a network takes it. It is read aside, so that others need not wait for it.
pub async fn as_input(name: &str, bytes: Bytes, taking: Taking) -> Result<Picture, Refusal> {
    let path = PathBuf::from(name);
    let read = tokio::task::spawn_blocking(move || taking.read(&path, &bytes)).await;
    let read = read.map_err(|e| refused(StatusCode::INTERNAL_SERVER_ERROR, e))?;
    read.map_err(|e| refused(StatusCode::UNPROCESSABLE_ENTITY, e))
}
