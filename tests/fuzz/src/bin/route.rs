//! Whatever the path, reading it ends in a route or a refusal; a route names what stood in the path.

#![no_main]

use libfuzzer_sys::fuzz_target;
use moorage_http::parsers::{Route, route};

fuzz_target!(|path: &str| {
    let Ok(route) = route(path) else { return };
    let repository = match &route {
        Route::Base
        | Route::Catalog
        | Route::Extensions { repository: None }
        | Route::RegistryPolicy
        | Route::Search { repository: None }
        | Route::Types { repository: None, .. } => return,
        Route::Extensions { repository: Some(repository) }
        | Route::Search { repository: Some(repository) }
        | Route::Types { repository: Some(repository), .. }
        | Route::Tags { repository }
        | Route::Manifest { repository, .. }
        | Route::Referrers { repository, .. }
        | Route::Blob { repository, .. }
        | Route::Uploads { repository }
        | Route::Upload { repository, .. }
        | Route::RecycleBin { repository, .. }
        | Route::Policy { repository }
        | Route::TagHistory { repository, .. }
        | Route::Explain { repository, .. } => repository,
    };
    assert!(path.starts_with("/v2/"));
    if !path.contains('%') {
        assert!(path["/v2/".len()..].starts_with(repository.as_ref()));
    }
});
