//! Who may do what, while there are no accounts: everyone may pull; pushing can be closed to all.

use moorage_http::Access;
use moorage_stories::expect;

use crate::World;

#[tokio::test]
async fn a_registry_that_takes_no_pushes() {
    let mut world = World::new().await;
    let image = world.push_image("app", "v1").await;
    let upload = world.opened("app").await;
    world.restart_with(|setup| setup.access = Access::PullOnly).await;
    let before = world.picture().await;
    world.ask("PUT /v2/app/manifests/v2").manifest(&image).await.shows(expect![[r#"
        403 Forbidden
        content-type: application/json

        {"errors":[{"code":"DENIED","message":"this registry takes no pushes and no deletes without an account; its owner can allow them"}]}
    "#]]);
    for line in [
        "POST /v2/app/blobs/uploads/",
        "POST /v2/app/blobs/uploads/?digest=<layer>",
        "POST /v2/other/blobs/uploads/?mount=<layer>&from=app",
        &format!("PATCH {upload}"),
        &format!("PUT {upload}?digest=<layer>"),
        &format!("DELETE {upload}"),
        "DELETE /v2/app/manifests/v1",
        "DELETE /v2/app/manifests/<image>",
        "DELETE /v2/app/blobs/<layer>",
    ] {
        world.ask(line).await.is_refused(403, "DENIED");
    }
    for path in [
        "",
        "_catalog",
        "app/tags/list",
        "app/manifests/v1",
        "app/manifests/<image>",
        "app/blobs/<layer>",
        "app/referrers/<image>",
    ] {
        world.ask(format!("GET /v2/{path}")).await.is(200);
    }
    assert_eq!(world.picture().await, before);
    world.end().await;
}
