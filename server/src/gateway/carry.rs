//! The bytes of a tunnel in both directions, and how long one of its ends may hold it open.

use std::io;
use std::time::Duration;

use futures::future::{Either, try_select};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split};
use tokio::time::timeout;

use crate::limits;

/// Carries what both ends say until both have ended. When one has, the other gets some time to do so.
pub(super) async fn carry<C, U>(client: C, upstream: U) -> io::Result<()>
where
    C: AsyncRead + AsyncWrite + Unpin,
    U: AsyncRead + AsyncWrite + Unpin,
{
    let ((from_client, to_client), (from_upstream, to_upstream)) = (split(client), split(upstream));
    // A workspace may be slow for as long as it likes: its sidecar finds out whether the client is there.
    let there = std::pin::pin!(lead(from_client, to_upstream, Duration::MAX));
    let back = std::pin::pin!(lead(from_upstream, to_client, limits::UNREAD_WAIT));
    match try_select(there, back).await {
        Ok(Either::Left(((), back))) => last(back).await,
        Ok(Either::Right(((), there))) => last(there).await,
        Err(Either::Left((error, _)) | Either::Right((error, _))) => Err(error),
    }
}

/// The direction that is left.
async fn last(direction: impl Future<Output = io::Result<()>>) -> io::Result<()> {
    let ended = timeout(limits::TUNNEL_END_WAIT, direction).await;
    ended.unwrap_or_else(|_| Err(late("one end is gone, and the other does not end")))
}

/// Carries one direction to its end. `patience` is for an end that does not take what it is sent.
async fn lead(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, patience: Duration) -> io::Result<()> {
    let mut buffer = vec![0; limits::TUNNEL_BUFFER_BYTES];
    loop {
        let some = from.read(&mut buffer).await?;
        let taken = async {
            if some == 0 {
                return to.shutdown().await;
            }
            to.write_all(&buffer[..some]).await?;
            to.flush().await
        };
        timeout(patience, taken).await.unwrap_or_else(|_| Err(late("an end does not take what it is sent")))?;
        if some == 0 {
            return Ok(());
        }
    }
}

fn late(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, what)
}

#[cfg(test)]
mod tests {
    use tokio::io::{DuplexStream, duplex};
    use tokio::task::JoinHandle;
    use tokio::time::Instant;

    use super::*;

    /// The outer ends of a tunnel, client and workspace.
    fn tunnel() -> (DuplexStream, DuplexStream, JoinHandle<io::Result<()>>) {
        let ((client, inner), (outer, workspace)) = (duplex(64), duplex(64));
        (client, workspace, tokio::spawn(carry(inner, outer)))
    }

    async fn said(stream: &mut DuplexStream) -> String {
        let mut bytes = vec![0; 16];
        let count = stream.read(&mut bytes).await.unwrap();
        String::from_utf8(bytes[..count].to_vec()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn both_directions_are_carried_until_both_have_ended() {
        let (mut client, mut workspace, carried) = tunnel();
        client.write_all(b"hello").await.unwrap();
        assert_eq!(said(&mut workspace).await, "hello");
        client.shutdown().await.unwrap();
        assert_eq!(said(&mut workspace).await, "");
        workspace.write_all(b"goodbye").await.unwrap();
        assert_eq!(said(&mut client).await, "goodbye");
        drop(workspace);
        assert_eq!(said(&mut client).await, "");
        carried.await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn when_one_end_is_gone_the_other_is_not_waited_for_long() {
        for is_client in [true, false] {
            let (client, workspace, carried) = tunnel();
            let (mut gone, mut left) = if is_client { (client, workspace) } else { (workspace, client) };
            let began = Instant::now();
            gone.shutdown().await.unwrap();
            assert_eq!(said(&mut left).await, "");
            let ended = timeout(2 * limits::TUNNEL_END_WAIT, carried).await.expect("the tunnel is cut").unwrap();
            assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::TimedOut);
            assert_eq!(began.elapsed().as_secs(), limits::TUNNEL_END_WAIT.as_secs());
            assert!(left.write_all(b"is anybody there").await.is_err());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_is_given_up_and_a_workspace_is_not() {
        let (mut client, _workspace, carried) = tunnel();
        let much = vec![b'x'; 64 * 1024];
        let sending = timeout(10 * limits::UNREAD_WAIT, client.write_all(&much)).await;
        assert!(sending.is_err() && !carried.is_finished(), "the workspace may be slow");
        let (_client, mut workspace_of_another, carried) = tunnel();
        let sending = timeout(2 * limits::UNREAD_WAIT, workspace_of_another.write_all(&much)).await;
        assert!(sending.is_ok_and(|sent| sent.is_err()), "the sidecar learns that nobody reads");
        assert_eq!(carried.await.unwrap().unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
