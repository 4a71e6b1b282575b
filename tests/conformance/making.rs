//! What Nova is told when a server is made or destroyed, and what its refusals mean.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tidegate::cloud::{Provider, ProviderError};
use tidegate::model::{CapacityType, Created, NodeShape, ServerOrder, keys};
use wiremock::ResponseTemplate;

use crate::false_cloud::{COMPUTE, Cloud, ID, block_on, endpoints, no, ok, server, shown};

const NEW: &str = "0000aaaa-a639-4083-aac0-7d61cc04198a";

fn order() -> ServerOrder {
    ServerOrder {
        name: "burst-1".into(),
        provider: "jetstream".into(),
        flavor: "m3.small".into(),
        zone: Some("nova".into()),
        capacity_type: CapacityType::OnDemand,
        image: "ubuntu".into(),
        networks: vec!["cluster".into(), ID.into()],
        key_pair: Some("ops".into()),
        security_groups: vec!["default".into(), "cluster".into()],
        user_data: Some("#!/bin/sh\njoin burst-1".into()),
        token_until: None,
        boot_volume: Some(20 << 30),
        server_group: Some("spread".into()),
        created: Created {
            cluster: Some("c1".into()),
            policy: "shop".into(),
            pool: "burst".into(),
            at: "2026-11-24T12:00:00Z".parse().unwrap(),
        },
        node: NodeShape::default(),
    }
}

async fn cloud(there: Vec<Value>, posted: Vec<ResponseTemplate>) -> Cloud {
    let cloud = Cloud::bare().await;
    let catalog = |uri: &str| {
        let mut all = endpoints(&[("public", "R1", &format!("{uri}{COMPUTE}"))]);
        for (kind, path) in [("image", "/image"), ("network", "/network")] {
            let mut one = all[2].clone();
            one["type"] = json!(kind);
            one["endpoints"][0]["url"] = json!(format!("{uri}{path}"));
            all.as_array_mut().unwrap().push(one);
        }
        all
    };
    cloud.keystone(catalog, "14400").await;
    let version = json!({"version": {"id": "v2.1", "version": "2.100", "min_version": "2.1", "links": []}});
    cloud.on("GET", &format!("{COMPUTE}/"), vec![ok(&version)]).await;
    cloud.on("GET", &format!("{COMPUTE}/servers/detail"), vec![ok(&json!({ "servers": there }))]).await;
    let flavor = |id: &str, name: &str| json!({"id": id, "name": name, "vcpus": 2, "ram": 4096, "disk": 20});
    let flavors = json!({"flavors": [flavor("7", "m3.small"), flavor("8", "m3.quad")]});
    cloud.on("GET", &format!("{COMPUTE}/flavors/detail"), vec![ok(&flavors)]).await;
    let groups = json!({"server_groups": [{"id": "g1", "name": "spread"}, {"id": "g2", "name": "pack"}]});
    cloud.on("GET", &format!("{COMPUTE}/os-server-groups"), vec![ok(&groups)]).await;
    cloud.on("GET", "/image/v2/images", vec![ok(&json!({"images": [{"id": "i1", "name": "ubuntu"}]}))]).await;
    cloud.on("GET", "/network/v2.0/networks", vec![ok(&json!({"networks": [{"id": "n1", "name": "cluster"}]}))]).await;
    cloud.on("POST", &format!("{COMPUTE}/servers"), posted).await;
    cloud
}

fn accepted() -> ResponseTemplate {
    ResponseTemplate::new(202).set_body_json(json!({"server": {"id": NEW}}))
}

fn marked(mark: &str, task: Value) -> Value {
    let mut there = shown(ID, "burst-1", "active", task);
    there["metadata"] = json!({ keys::CREATED: mark });
    there
}

#[test]
fn nova_is_told_ids_and_the_mark() {
    block_on(async {
        let cloud = cloud(Vec::new(), vec![accepted()]).await;
        assert_eq!(cloud.provider("").create(&order()).await, Ok(NEW.into()));
        let requests = cloud.server.received_requests().await.unwrap();
        let post =
            requests.iter().find(|one| one.method.as_str() == "POST" && one.url.path().ends_with("/servers")).unwrap();
        let body: Value = serde_json::from_slice(&post.body).unwrap();
        let disk = json!({
            "boot_index": 0, "uuid": "i1", "source_type": "image", "destination_type": "volume", "volume_size": 20,
            "delete_on_termination": true,
        });
        let expected = json!({
            "server": {
                "name": "burst-1", "flavorRef": "7", "imageRef": "", "availability_zone": "nova", "key_name": "ops",
                "networks": [{"uuid": "n1"}, {"uuid": ID}],
                "security_groups": [{"name": "default"}, {"name": "cluster"}],
                "metadata": { keys::CREATED: "pool=burst policy=shop at=2026-11-24T12:00:00Z cluster=c1" },
                "user_data": "IyEvYmluL3NoCmpvaW4gYnVyc3QtMQ==",
                "block_device_mapping_v2": [disk],
            },
            "os:scheduler_hints": {"group": "g1"},
        });
        assert_eq!(body, expected);
        let plain = ServerOrder {
            networks: Vec::new(),
            zone: None,
            key_pair: None,
            security_groups: Vec::new(),
            user_data: None,
            boot_volume: None,
            server_group: None,
            image: ID.into(),
            ..order()
        };
        assert_eq!(cloud.provider("").create(&plain).await, Ok(NEW.into()));
        let requests = cloud.server.received_requests().await.unwrap();
        let body: Value = serde_json::from_slice(&requests.last().unwrap().body).unwrap();
        let keys: BTreeMap<String, Value> = serde_json::from_value(body["server"].clone()).unwrap();
        assert_eq!(keys.keys().collect::<Vec<_>>(), ["flavorRef", "imageRef", "metadata", "name", "networks"]);
        assert_eq!((&body["server"]["networks"], &body["server"]["imageRef"]), (&json!("auto"), &json!(ID)));
    });
}

/// Asked for again, after an answer that was lost, it is not made twice; another one of that name is nobody's to take.
#[test]
fn what_is_there_already_is_not_made_again() {
    block_on(async {
        let ours = "pool=burst policy=old at=2026-11-01T00:00:00Z cluster=c1";
        for (there, id) in [
            (marked(ours, Value::Null), Some(ID)),
            (marked(ours, json!("deleting")), None),
            (marked("pool=burst policy=shop at=2026-11-01T00:00:00Z cluster=c2", Value::Null), None),
            (marked("pool=other policy=shop at=2026-11-01T00:00:00Z cluster=c1", Value::Null), None),
            (shown(ID, "burst-1", "active", Value::Null), None),
            (shown(ID, "burst-10", "active", Value::Null), Some(NEW)),
        ] {
            let cloud = cloud(vec![there.clone()], vec![accepted()]).await;
            match (cloud.provider("").create(&order()).await, id) {
                (Ok(found), Some(id)) => assert_eq!(&*found, id, "{there}"),
                (Err(ProviderError::WrongState { .. }), None) => {}
                (answer, _) => panic!("{there}: {answer:?}"),
            }
            assert_eq!(cloud.times(&format!("POST {COMPUTE}/servers")).await, usize::from(id == Some(NEW)), "{there}");
        }
    });
}

#[test]
fn refusals_of_a_new_server_say_what_would_help() {
    block_on(async {
        let refused = async |order: ServerOrder, answer: ResponseTemplate| {
            cloud(Vec::new(), vec![answer]).await.provider("").create(&order).await.unwrap_err()
        };
        let quota = no(403, "Quota exceeded for cores, ram: Requested 8, but already used 200 of 200 cores");
        assert!(matches!(refused(order(), quota).await, ProviderError::Quota { .. }));
        let full = no(500, "No valid host was found. There are not enough hosts available.");
        assert!(matches!(refused(order(), full).await, ProviderError::NoCapacity { .. }));
        assert!(matches!(refused(order(), no(403, "Policy doesn't allow it")).await, ProviderError::Forbidden(_)));
        let spot = refused(ServerOrder { capacity_type: CapacityType::Spot, ..order() }, accepted()).await;
        assert!(matches!(&spot, ProviderError::Unsupported(text) if text.contains("buy spot servers")), "{spot}");
        for (changed, says) in [
            (ServerOrder { flavor: "m3.tiny".into(), ..order() }, "no flavor `m3.tiny`"),
            (ServerOrder { image: "debian".into(), ..order() }, "no image `debian`"),
            (ServerOrder { networks: vec!["dmz".into()], ..order() }, "no network `dmz`"),
            (ServerOrder { server_group: Some("near".into()), ..order() }, "no server group `near`"),
            (ServerOrder { user_data: Some("x".repeat(60_000).into()), ..order() }, "Nova takes 49149"),
        ] {
            let error = refused(changed, accepted()).await;
            assert!(matches!(&error, ProviderError::Setup(text) if text.contains(says)), "{error}");
        }
    });
}

#[test]
fn a_server_is_destroyed_once() {
    block_on(async {
        let one = format!("{COMPUTE}/servers/{ID}");
        for (task, answer, asked, fine) in [
            (Value::Null, ResponseTemplate::new(204), 1, true),
            (json!("deleting"), no(500, "never asked"), 0, true),
            (Value::Null, no(409, "Instance is locked"), 1, false),
            (Value::Null, no(404, "gone meanwhile"), 1, false),
        ] {
            let cloud = Cloud::start().await;
            cloud.on("GET", &one, vec![ok(&server("active", task))]).await;
            cloud.on("DELETE", &one, vec![answer]).await;
            let answer = cloud.provider("").delete(&ID.into()).await;
            assert_eq!(answer.is_ok(), fine, "{answer:?}");
            assert_eq!(cloud.times(&format!("DELETE {one}")).await, asked);
        }
        let cloud = Cloud::start().await;
        cloud.on("GET", &one, vec![no(404, "no such server")]).await;
        assert!(matches!(cloud.provider("").delete(&ID.into()).await, Err(ProviderError::NotFound(_))));
    });
}
