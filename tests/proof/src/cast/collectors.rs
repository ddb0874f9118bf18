//! Collectors, and those who follow the change feed for them.

use moorage_ports::{Nonce, PortError, Reviewed};

use super::DONE;
use crate::content::{Doc, here};
use crate::role::Role;

/// Reviews something, some times.
#[must_use]
pub fn collect(name: &str, of: Reviewed, times: usize) -> Role {
    Role::new(&format!("collector of {name}"), move |hands| {
        let of = of.clone();
        async move {
            let collector = hands.collector();
            for _ in 0..times {
                match collector.review(&of).await {
                    // It is done by the next review.
                    Ok(()) | Err(PortError::Unavailable(_)) => {}
                    Err(error) => return Err(error.to_string()),
                }
            }
            Ok(DONE.to_owned())
        }
    })
}

#[must_use]
pub fn collect_manifest(doc: &Doc) -> Role {
    collect(doc.name, Reviewed::Manifest(here(), doc.digest()), 1)
}

#[must_use]
pub fn collect_grant(doc: &Doc) -> Role {
    collect(&format!("the grant of {}", doc.name), Reviewed::Grant(here(), doc.digest()), 1)
}

#[must_use]
pub fn collect_content(doc: &Doc) -> Role {
    collect(&format!("the content of {}", doc.name), Reviewed::Content(doc.digest()), 1)
}

#[must_use]
pub fn collect_upload(id: Nonce) -> Role {
    collect("the upload", Reviewed::Upload(id), 1)
}

/// One collector, who does some reviews one after the other.
#[must_use]
pub fn collector(reviews: &[Role]) -> Role {
    Role { name: "collector".to_owned(), ..Role::sequence(reviews) }
}

/// Does all reviews that are due, as a collector's process does.
#[must_use]
pub fn work() -> Role {
    Role::new("collector", |hands| async move {
        match hands.collector().work(None).await {
            Ok(worked) if worked.failed == 0 => Ok(DONE.to_owned()),
            other => Err(format!("{other:?}")),
        }
    })
}

/// Reads the change feed to its end.
#[must_use]
pub fn follow() -> Role {
    Role::new("follower", |hands| async move {
        hands.collector().follow().await.map(|_| DONE.to_owned()).map_err(|error| error.to_string())
    })
}
