//! Bodies of requests, of bounded size and within a bounded time, and the pictures in them.

use super::{
    super::predict::Taking,
    reply::{Refusal, bad, later, refused},
    shares::{Held, Shares, WAIT, kib},
    store::{Store, pieces},
    turns::Turns,
};
use axum::{
    body::{BodyDataStream, Bytes},
    extract::Request,
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use futures_util::StreamExt;
use std::{net::IpAddr, path::PathBuf, time::Duration};
use wgrad_data::picture::Picture;

/// Longest time for a body to arrive.
const TIME: Duration = Duration::from_secs(30);
/// Most pictures in one request.
const PICTURES: usize = 64;
/// Most bytes of the name of a file in a form.
const NAME: usize = 1 << 10;
/// Bytes of room that a body of unknown length gets at a time: a large page of the system.
const PIECE: usize = 2 << 20;
/// Time for which the rest of a refused body is discarded: a client that still sends does not read the refusal.
const DRAIN: Duration = Duration::from_secs(2);

/// Memory for the requests of a server, shared by address.
pub struct Room {
    /// KiB that the bodies and answers of all requests may hold together.
    pub memory: Shares,
    /// Most bytes of a body.
    pub most: usize,
    /// Bytes of an input of the network.
    pub input: usize,
}

impl Room {
    /// Bytes that the answer to `pictures` holds: each input of the network, its base64, and that once more as JSON.
    fn answers(input: usize, pictures: usize) -> usize {
        pictures.saturating_mul(4 * input + NAME)
    }

    /// KiB that the largest request holds: a form, which exists in two copies while its files are found.
    pub fn largest(most: usize, input: usize) -> usize {
        kib(most.saturating_mul(2).saturating_add(Self::answers(input, PICTURES)))
    }

    /// The room within `memory` KiB of bodies and answers. One address may hold half of it, and always one request.
    pub fn new(memory: usize, most: usize, input: usize) -> Self {
        let share = (memory / 2).max(Self::largest(most, input));
        Self { memory: Shares::new(memory, share), most, input }
    }

    async fn take(&self, peer: IpAddr, bytes: usize) -> Result<Held, Refusal> {
        let taken = self.memory.take(peer, kib(bytes)).await;
        taken.ok_or_else(|| {
            let (mib, seconds) = (bytes.div_ceil(1 << 20), WAIT.as_secs());
            let words = format!(
                "no room for {mib} MiB within {seconds} s, as others are being answered; try again in {seconds} s"
            );
            later(StatusCode::SERVICE_UNAVAILABLE, seconds, words)
        })
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).map_or(&b""[..], |kind| kind.as_bytes());
    kind.get(..10).is_some_and(|kind| kind.eq_ignore_ascii_case(b"multipart/"))
}

/// Reads the body of a request of `peer`, of at most `most` bytes; returns it with its share of the room. Nothing is
/// read before there is room for it. (The limits of axum and tower do not know the room, and refuse without an
/// explanation.)
pub async fn read(
    request: Request,
    room: &Room,
    most: usize,
    peer: IpAddr,
) -> Result<(Bytes, Held), Refusal> {
    let (Parts { headers, .. }, body) = request.into_parts();
    let mut body = body.into_data_stream();
    let reported =
        headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if let Some(length) = reported.filter(|length| *length > most as u64) {
        return Err(too_large(length, most));
    }
    let form = is_form(&headers);
    let first = reported.map_or(PIECE.min(most), |length| length as usize);
    let answers = Room::answers(room.input, if form { PICTURES } else { 1 });
    let copies = 1 + usize::from(form);
    let held = match room.take(peer, copies * first + answers).await {
        Ok(held) => held,
        Err(refusal) => return Err(drained(body, refusal).await),
    };
    // A body of unknown length may reach the limit.
    let bytes = store(reported.map_or(most, |_| first))?;
    let all = collect(&mut body, (held, first, bytes), (room, peer), copies, most);
    match tokio::time::timeout(TIME, all).await {
        Ok(Ok(whole)) => Ok(whole),
        Ok(Err(refusal)) => Err(drained(body, refusal).await),
        Err(_) => {
            let words = format!("the body did not arrive within {} s", TIME.as_secs());
            Err(refused(StatusCode::REQUEST_TIMEOUT, words))
        }
    }
}

/// Reads a body into the bytes that are held for it; for one of unknown length, more are taken.
async fn collect(
    body: &mut BodyDataStream,
    (mut held, mut place, mut bytes): (Held, usize, Store),
    (room, peer): (&Room, IpAddr),
    copies: usize,
    most: usize,
) -> Result<(Bytes, Held), Refusal> {
    while let Some(data) = body.next().await {
        let data = data.map_err(|e| bad(format!("the body did not arrive: {e}")))?;
        let length = bytes.len() + data.len();
        if length > most {
            return Err(too_large(format!("more than {most}"), most));
        }
        if length > place {
            let more = (length - place).max(PIECE);
            held.add(room.take(peer, copies * more).await?);
            place += more;
        }
        if !bytes.push(&data) {
            return Err(too_large(format!("more than {most}"), most));
        }
    }
    Ok((bytes.whole(), held))
}

fn store(most: usize) -> Result<Store, Refusal> {
    let no = |_| later(StatusCode::SERVICE_UNAVAILABLE, WAIT.as_secs(), "out of memory; try again later");
    Store::new(most).map_err(no)
}

fn too_large(got: impl std::fmt::Display, most: usize) -> Refusal {
    let words = format!("got a body of {got} bytes, expected at most {most}; send less at once");
    refused(StatusCode::PAYLOAD_TOO_LARGE, words)
}

/// Returns the refusal after the rest of the body has been discarded.
async fn drained(mut body: BodyDataStream, refusal: Refusal) -> Refusal {
    let all = async { while let Some(Ok(_)) = body.next().await {} };
    let (Ok(()) | Err(_)) = tokio::time::timeout(DRAIN, all).await;
    refusal
}

/// Reads the pictures of a request, with their names and their share of the room.
pub async fn receive(
    request: Request,
    room: &Room,
    peer: IpAddr,
) -> Result<(Vec<(String, Bytes)>, Held), Refusal> {
    let headers = request.headers().clone();
    let (bytes, mut held) = read(request, room, room.most, peer).await?;
    let length = bytes.len();
    let pictures = pictures(&headers, bytes).await?;
    held.keep(kib(length + Room::answers(room.input, pictures.len())));
    Ok((pictures, held))
}

/// The pictures of a body, with their names: each file of a form (`multipart/form-data`), or the body itself.
async fn pictures(headers: &HeaderMap, body: Bytes) -> Result<Vec<(String, Bytes)>, Refusal> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let no = |words: &str| Err(bad(words));
    if !is_form(headers) {
        return match body.is_empty() {
            true => {
                no("got an empty body, expected the bytes of a PNG, JPEG or WebP file, or a form with files")
            }
            false => Ok(vec![("image".into(), body)]),
        };
    }
    let files = store(body.len())?;
    let pictures = match multer::parse_boundary(kind) {
        Ok(boundary) => form(body, boundary, files).await,
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
        Ok(pictures) if pictures.iter().any(|(name, _)| name.len() > NAME) => {
            no(&format!("got a file with a name of more than {NAME} bytes; send it under a shorter one"))
        }
        Ok(pictures) => Ok(pictures),
    }
}

/// Reads the files of a form, up to one more than are allowed, into `files`. (axum's form is the same, without the
/// explanation of an error.)
async fn form(body: Bytes, boundary: String, mut files: Store) -> multer::Result<Vec<(String, Bytes)>> {
    let mut form = multer::Multipart::new(pieces(body), boundary);
    let mut found = Vec::new();
    while let Some(mut field) = form.next_field().await? {
        let name = field.file_name().or(field.name()).unwrap_or("image").to_string();
        let begin = files.len();
        while let Some(piece) = field.chunk().await? {
            // There is room for it: a form is larger than its files.
            files.push(&piece);
        }
        if files.len() > begin && found.len() <= PICTURES {
            found.push((name, begin..files.len()));
        }
    }
    let files = files.whole();
    Ok(found.into_iter().map(|(name, place)| (name, files.slice(place))).collect())
}

/// Decodes a picture of `peer` for the network, when it is its turn. A separate thread decodes it, so that other
/// requests need not wait.
pub async fn as_input(
    name: &str,
    bytes: Bytes,
    taking: Taking,
    turns: &Turns,
    peer: IpAddr,
) -> Result<Picture, Refusal> {
    let path = PathBuf::from(name);
    let turn = turns.wait(peer).await?;
    let read = tokio::task::spawn_blocking(move || {
        let read = taking.read(&path, &bytes);
        // The turn ends only here, even if the client has gone: there is one decoder.
        drop((bytes, turn));
        read
    });
    let read = read.await.map_err(|e| refused(StatusCode::INTERNAL_SERVER_ERROR, e))?;
    read.map_err(|e| refused(StatusCode::UNPROCESSABLE_ENTITY, e))
}
