//! What `doctor` says of a cloud in which parking and waking left things behind (H27), or in which servers have devices of
//! their hosts, by the program itself.

use std::fs;

use serde_json::{Value, json};
use wiremock::matchers::{method, path, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::live::{block_on, kubeconfig, status};
use super::{code, text, tidegate, workshop};

/// What one cloud has: its servers, images and reserved volumes, and what Glance says of its quota.
struct Has {
    servers: Value,
    images: Value,
    volumes: ResponseTemplate,
    usage: Value,
    ports: Value,
}

fn server(name: &str, state: &str, volumes: &[&str]) -> Value {
    let volumes: Vec<Value> = volumes.iter().map(|id| json!({"id": id})).collect();
    json!({
        "id": format!("id-of-{name}"), "name": name, "status": "X", "updated": "2026-11-22T11:42:39Z", "metadata": {},
        "flavor": {"original_name": "m3.quad", "vcpus": 4, "ram": 15360, "disk": 20, "extra_specs": {}},
        "OS-EXT-STS:vm_state": state, "OS-EXT-STS:task_state": null, "addresses": {},
        "os-extended-volumes:volumes_attached": volumes,
    })
}

fn image(name: &str, of: &str) -> Value {
    json!({"id": format!("image-of-{name}"), "name": format!("{name}-shelved"), "size": 3_u64 << 30, "instance_uuid": of})
}

fn volumes(all: Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({ "volumes": all }))
}

/// The findings of these checks as `level: text`; advice stands with each that is not ok.
fn told(has: Has) -> Vec<String> {
    block_on(async {
        let cloud = MockServer::start().await;
        let uri = cloud.uri();
        let at = |kind: &str, path: &str| {
            json!({"type": kind, "name": kind, "endpoints":
                   [{"id": "e", "interface": "public", "region": "R1", "region_id": "R1", "url": format!("{uri}{path}")}]})
        };
        let catalog = [
            at("compute", "/compute/v2.1"),
            at("image", "/image"),
            at("block-storage", "/volume/v3"),
            at("network", "/network"),
        ];
        let token = json!({"token": {
            "issued_at": "2026-11-22T11:00:00.000000Z", "expires_at": "2026-11-22T15:00:00.000000Z",
            "project": {"id": "p1", "name": "workshop"}, "catalog": catalog,
        }});
        let login = ResponseTemplate::new(201).insert_header("X-Subject-Token", "t").set_body_json(token);
        let says = |body: Value| ResponseTemplate::new(200).set_body_json(body);
        let version = json!({"version": {"id": "v2.1", "version": "2.100", "min_version": "2.1", "links": []}});
        let images = json!({"versions": [{"id": "v2.15", "status": "CURRENT", "links": [{"rel": "self", "href": format!("{uri}/image/v2/")}]}]});
        for (verb, at, answer) in [
            ("POST", "/v3/auth/tokens", login),
            ("GET", "/compute/v2.1/", says(version)),
            ("GET", "/compute/v2.1/servers/detail", says(json!({"servers": has.servers}))),
            ("GET", "/image/", says(images)),
            ("GET", "/image/v2/images", says(json!({"images": has.images}))),
            ("GET", "/image/v2/info/usage", says(json!({"usage": has.usage}))),
            ("GET", "/volume/v3/volumes/detail", has.volumes),
            ("GET", "/network/v2.0/ports", says(json!({"ports": has.ports}))),
        ] {
            Mock::given(method(verb)).and(path(at)).respond_with(answer).mount(&cloud).await;
        }
        let folder = workshop();
        let entry = format!(
            "clouds:\n  workshop:\n    auth: {{auth_url: \"{uri}/v3\", username: u, password: p, project_name: p, \
             user_domain_name: d, project_domain_name: d}}\n"
        );
        fs::write(folder.path().join("clouds.yaml"), entry).unwrap();
        let cluster = super::live::server().await;
        let closed = status(403, "Forbidden");
        Mock::given(path_regex("^/api")).respond_with(closed).with_priority(9).mount(&cluster).await;
        kubeconfig(folder.path(), &cluster.uri());
        let output = tidegate(
            folder.path(),
            &["doctor", "-f", "policy.yaml", "--kubeconfig", "config", "--context", "live", "--format", "json"],
        );
        assert_eq!(code(&output), 1, "nothing of the cluster may be read: {}", text(&output.stderr));
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        let of_it =
            |finding: &&Value| ["leftovers", "image-quota", "ports"].contains(&finding["check"].as_str().unwrap());
        let found = found["findings"].as_array().unwrap().iter().filter(of_it);
        found
            .map(|finding| format!("{}: {}", finding["level"].as_str().unwrap(), finding["text"].as_str().unwrap()))
            .collect()
    })
}

#[test]
fn h27_what_parking_left_behind_and_the_quota_of_images_are_told() {
    let asleep = server("nf-2", "shelved_offloaded", &["data"]);
    let awake = server("nf-3", "active", &["root"]);
    let clean = Has {
        servers: json!([asleep, awake]),
        images: json!([image("nf-2", "id-of-nf-2")]),
        volumes: volumes(json!([{"id": "data", "name": "of the one that sleeps"}])),
        usage: json!({}),
        ports: json!([{"device_id": "id-of-nf-3", "binding:vnic_type": "normal"}]),
    };
    assert_eq!(
        told(clean),
        [
            "ok: provider jetstream: no image and no volume was left behind",
            "ok: provider jetstream: 1 image kept for shelved servers, 3.0 GiB; Glance tells no quota",
            "ok: provider jetstream: no server has a port that is a device of its host",
        ]
    );
    let untidy = Has {
        servers: json!([asleep, awake]),
        images: json!([image("nf-2", "id-of-nf-2"), image("nf-3", "id-of-nf-3"), image("gone", "id-of-gone")]),
        volumes: volumes(json!([{"id": "data"}, {"id": "root", "name": "root-disk"}, {"id": "nobodys"}])),
        usage: json!({"image_size_total": {"usage": 9300, "limit": 10_000}, "image_count_total": {"usage": 3, "limit": -1}}),
        ports: json!([{"device_id": "id-of-nf-3", "binding:vnic_type": "direct"}, {"device_id": "another", "binding:vnic_type": "direct"}]),
    };
    assert_eq!(
        told(untidy),
        [
            "warning: provider jetstream: images that no shelved server needs, 6.0 GiB: gone-shelved (image-of-gone), \
             nf-3-shelved (image-of-nf-3)",
            "warning: provider jetstream: volumes stuck in `reserved`: root-disk (root), nobodys",
            "warning: provider jetstream: 9300 of 10000 MiB of the quota image_size_total are used: soon no server can be \
             shelved that does not boot from a volume; 1 image kept for shelved servers, 3.0 GiB",
            "warning: provider jetstream: ports that are a device of their host (SR-IOV): nf-3 (direct)",
        ]
    );
    let full = Has {
        servers: json!([awake]),
        images: json!([]),
        volumes: ResponseTemplate::new(403).set_body_json(json!({"forbidden": {"code": 403, "message": "not yours"}})),
        usage: json!({"image_count_total": {"usage": 5, "limit": 5}}),
        ports: json!({"not": "a list"}),
    };
    let told = told(full);
    assert!(told[0].starts_with("unknown: ") && told[0].contains("`reserved` are not known"), "{told:?}");
    assert!(told[1].starts_with("error: ") && told[1].contains("5 of 5 of the quota image_count_total"), "{told:?}");
    assert!(told[2].starts_with("unknown: ") && told[2].contains("devices of their hosts"), "{told:?}");
    assert_eq!(told.len(), 3, "{told:?}");
}
