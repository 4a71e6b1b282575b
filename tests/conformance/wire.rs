//! Between here and the cloud: logins, versions, catalogs, pages, and everything that is no answer.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tidegate::cloud::{Openstack, Provider, ProviderError};
use tidegate::model::Name;
use tidegate::policy::Idle;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use wiremock::ResponseTemplate;

use crate::false_cloud::{COMPUTE, Cloud, ID, SECRET, TOKEN, block_on, endpoints, hurried, no, ok, server, shown};

const LOGIN: &str = "POST /keystone/v3/auth/tokens";

fn one() -> String {
    format!("{COMPUTE}/servers/{ID}")
}

#[test]
fn a_token_that_is_not_taken_is_replaced_once() {
    block_on(async {
        for (answers, fine) in
            [(vec![no(401, "expired"), ok(&server("active", Value::Null))], true), (vec![no(401, "expired")], false)]
        {
            let cloud = Cloud::start().await;
            cloud.on("GET", &format!("{}/os-instance-actions", one()), vec![ok(&json!({"instanceActions": []}))]).await;
            cloud.on("GET", &one(), answers).await;
            let found = cloud.provider("").server(&ID.into()).await;
            assert_eq!(found.is_ok(), fine);
            if let Err(error) = found {
                assert!(matches!(&error, ProviderError::Login(text) if text.contains("entry `workshop`")), "{error}");
            }
            assert_eq!((cloud.times(LOGIN).await, cloud.times(&format!("GET {}", one())).await), (2, 2));
        }
    });
}

/// Many that find out together log in once.
#[test]
fn a_token_is_used_as_long_as_it_lasts_by_our_own_clock() {
    block_on(async {
        for (lifetime, logins) in [("14400", 1), ("0", 9)] {
            let cloud = Cloud::bare().await;
            cloud.keystone(|uri| endpoints(&[("public", "R1", &format!("{uri}{COMPUTE}"))]), lifetime).await;
            let version = json!({"version": {"id": "v2.1", "version": "2.100", "min_version": "2.1"}});
            cloud.on("GET", &format!("{COMPUTE}/"), vec![ok(&version)]).await;
            cloud.on("GET", &format!("{COMPUTE}/servers/detail"), vec![ok(&json!({"servers": []}))]).await;
            let provider = cloud.provider("");
            let all = (0..8).map(|_| provider.servers());
            assert!(futures::future::join_all(all).await.into_iter().all(|servers| servers == Ok(Vec::new())));
            // The ninth is that of the question for Nova's version.
            assert_eq!(cloud.times(LOGIN).await, logins, "{lifetime}");
        }
    });
}

#[test]
fn what_is_busy_is_asked_again_if_that_is_safe() {
    block_on(async {
        let fine = || ok(&json!({"servers": []}));
        let later = |status: u16, after: &str| no(status, "busy").insert_header("Retry-After", after);
        let list = format!("{COMPUTE}/servers/detail");
        for (answers, asked, fits, least) in [
            (vec![no(503, "busy"), no(500, "busy"), fine()], 3, true, 0),
            (vec![later(503, "1"), fine()], 2, true, 1000),
            (vec![later(429, "0"), later(413, "0"), fine()], 3, true, 0),
            (vec![no(504, "busy")], 4, false, 0),
            (vec![no(501, "not I"), fine()], 1, false, 0),
            // Longer than anybody wants to sit there.
            (vec![later(503, "3600"), fine()], 1, false, 0),
        ] {
            let cloud = Cloud::start().await;
            cloud.on("GET", &list, answers).await;
            let provider = cloud.provider("");
            provider.greet().await.unwrap();
            let begin = Instant::now();
            let servers = provider.servers().await;
            assert!(begin.elapsed() >= Duration::from_millis(least));
            assert_eq!((cloud.times(&format!("GET {list}")).await, servers.is_ok()), (asked, fits), "{servers:?}");
        }
    });
}

/// Reading waits out a cloud that hangs as often as it may, an act does not; both end in time.
#[test]
fn what_hangs_is_let_go() {
    block_on(async {
        let cloud = Cloud::start().await;
        let late = ok(&json!({"servers": []})).set_delay(Duration::from_secs(30));
        cloud.on("GET", &format!("{COMPUTE}/servers/detail"), vec![late.clone()]).await;
        cloud.in_state("active", Value::Null).await;
        cloud.on("POST", &format!("{}/action", one()), vec![late]).await;
        let provider = cloud.provider("");
        let begin = Instant::now();
        for (error, asked) in [
            (provider.servers().await.unwrap_err(), format!("GET {COMPUTE}/servers/detail")),
            (provider.park(&ID.into(), Idle::Shelve).await.unwrap_err(), format!("POST {}/action", one())),
        ] {
            assert!(matches!(error, ProviderError::Unavailable(_)));
            assert!(error.to_string().contains("no whole answer within 0.4 s"), "{error}");
            let times = if asked.starts_with("GET") { 4 } else { 1 };
            assert_eq!(cloud.times(&asked).await, times);
        }
        assert!(begin.elapsed() < Duration::from_secs(15));
    });
}

/// A connection that ends within the answer, and a door that is shut.
#[test]
fn half_an_answer_is_none() {
    block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let half = async {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut bytes = [0; 4096];
                let _ = stream.read(&mut bytes).await;
                let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n";
                let _ = stream.write_all(format!("{head}{{\"servers\": [").as_bytes()).await;
            }
        };
        let cloud = Cloud::start().await;
        let more = |port: u16| format!("    compute_endpoint_override: http://127.0.0.1:{port}/v2.1\n");
        let provider = cloud.provider(&more(address.port()));
        let asked = async {
            let error = provider.servers().await.unwrap_err();
            assert!(
                matches!(&error, ProviderError::Unavailable(text) if text.contains("Nova at http://127.0.0.1")),
                "{error}"
            );
        };
        futures::future::select(Box::pin(half), Box::pin(asked)).await;
        drop(listener);
        let error = cloud.provider(&more(address.port())).servers().await.unwrap_err();
        assert!(error.to_string().contains("refused"), "{error}");
    });
}

#[test]
fn a_page_of_a_proxy_is_no_answer() {
    block_on(async {
        let page =
            "<html><head><title>Sign in</title></head><body>Please log in to the <b>campus</b> network</body></html>";
        for status in [200, 302, 502] {
            let html = ResponseTemplate::new(status).set_body_raw(page, "text/html");
            let cloud = Cloud::start().await;
            cloud.on("GET", &format!("{COMPUTE}/servers/detail"), vec![html.clone()]).await;
            let error = cloud.provider("").servers().await.unwrap_err().to_string();
            assert!(error.contains("text/html") && error.contains("Please log in to the campus network"), "{error}");

            let cloud = Cloud::bare().await;
            cloud.on("POST", "/keystone/v3/auth/tokens", vec![html]).await;
            let error = cloud.provider("").servers().await.unwrap_err().to_string();
            assert!(error.contains("Keystone at ") && error.contains("campus network"), "{error}");
        }
    });
}

#[test]
fn versions_are_found_wherever_they_stand() {
    let v21 = |newest: &str, oldest: &str, link: &str| json!({"id": "v2.1", "version": newest, "min_version": oldest, "links": [{"rel": "self", "href": link}]});
    let v20 = json!({"id": "v2.0", "version": "", "min_version": "", "links": []});
    block_on(async {
        for (base, status, document, spoken, at) in [
            ("/compute/v2.1", 200, json!({"version": v21("2.100", "2.1", "")}), Some("2.90"), "/compute/v2.1"),
            ("/compute/v2.1", 200, json!({"version": v21("2.53", "2.1", "")}), Some("2.53"), "/compute/v2.1"),
            ("/compute/v2.1/p1", 200, json!({"version": v21("2.90", "2.1", "")}), Some("2.90"), "/compute/v2.1/p1"),
            (
                "/compute",
                300,
                json!({"versions": [v20, v21("2.79", "2.1", "http://nova.internal:8774/v2.1/")]}),
                Some("2.79"),
                "/compute/v2.1",
            ),
            ("", 200, json!({"versions": [v21("2.96", "2.1", "https://elsewhere/v2.1/")]}), Some("2.90"), "/v2.1"),
            ("/v2", 200, json!({"version": {"id": "v2.0", "version": "", "min_version": ""}}), None, "/v2"),
            ("/nova", 404, json!({"message": "nothing here"}), None, "/nova"),
        ] {
            let cloud = Cloud::bare().await;
            cloud.keystone(|uri| endpoints(&[("public", "R1", &format!("{uri}{base}"))]), "14400").await;
            let stripped = base.trim_end_matches("/p1");
            let answer = ResponseTemplate::new(status).set_body_json(document);
            cloud.on("GET", &format!("{stripped}/"), vec![answer]).await;
            cloud.on("GET", &format!("{at}/servers/detail"), vec![ok(&json!({"servers": []}))]).await;
            let provider = cloud.provider("");
            assert_eq!(provider.greet().await.unwrap().as_deref(), spoken, "{base}");
            assert_eq!(provider.servers().await, Ok(Vec::new()), "{base}");
            let list = cloud.server.received_requests().await.unwrap().pop().unwrap();
            let header = list.headers.get("OpenStack-API-Version").map(|value| value.to_str().unwrap().to_owned());
            assert_eq!(header, spoken.map(|version| format!("compute {version}")));
        }
        let cloud = Cloud::bare().await;
        cloud.keystone(|uri| endpoints(&[("public", "R1", &format!("{uri}/nova"))]), "14400").await;
        cloud.on("GET", "/nova/", vec![ok(&json!({"version": v21("2.120", "2.95", "")}))]).await;
        let error = cloud.provider("").greet().await.unwrap_err();
        assert!(matches!(&error, ProviderError::Setup(text) if text.contains("2.95")), "{error}");
    });
}

/// Before 2.47 a server tells its flavor's id only.
#[test]
fn an_old_nova_s_flavors_are_looked_up_by_id() {
    block_on(async {
        let cloud = Cloud::start().await;
        let mut old = server("active", Value::Null);
        old["server"]["flavor"] = json!({"id": "7", "links": []});
        let mut gone = shown("b", "worker-2", "active", Value::Null);
        gone["flavor"] = json!({"id": "8"});
        cloud
            .on("GET", &format!("{COMPUTE}/servers/detail"), vec![ok(&json!({"servers": [old["server"], gone]}))])
            .await;
        let specs = json!({"resources:VGPU": "1"});
        let flavor = json!({"id": "7", "name": "g3.small", "vcpus": 4, "ram": 15360, "disk": 60, "extra_specs": specs});
        let list = format!("{COMPUTE}/flavors/detail");
        cloud.on("GET", &list, vec![ok(&json!({"flavors": [flavor]}))]).await;
        let provider = cloud.provider("");
        let servers = provider.servers().await.unwrap();
        let told: Vec<_> = servers.iter().map(|server| (&*server.flavor, server.cannot.len())).collect();
        assert_eq!(told, [("g3.small", 1), ("8", 0)]);
        assert_eq!(cloud.times(&format!("GET {list}")).await, 2);
        let capacity = &provider.flavors().await.unwrap()[0].capacity;
        assert_eq!((capacity.cpu, capacity.memory, capacity.extended("nvidia.com/gpu")), (4000, 15 << 30, 1));
    });
}

#[test]
fn lists_are_whole_or_an_error() {
    let page = |ids: &[&str], more: bool| {
        let servers: Vec<Value> = ids.iter().map(|id| shown(id, &format!("n-{id}"), "active", Value::Null)).collect();
        let links = if more { json!([{"rel": "next", "href": "http://nova.internal/ignored"}]) } else { json!([]) };
        ok(&json!({"servers": servers, "servers_links": links}))
    };
    let gone = || no(400, "marker [b] not found");
    block_on(async {
        for (what, answers, expected) in [
            ("one", vec![page(&["b", "a"], false)], Ok("a b")),
            ("three", vec![page(&["e", "d"], true), page(&["c", "b"], true), page(&["a"], false)], Ok("a b c d e")),
            ("a full one at the end", vec![page(&["b"], true), page(&[], false)], Ok("b")),
            (
                "one that is deleted meanwhile",
                vec![page(&["b"], true), gone(), page(&["a"], true), page(&["c"], false)],
                Ok("a c"),
            ),
            ("the same for ever", vec![page(&["b"], true)], Ok("b")),
            (
                "one that moved on to the next page",
                vec![page(&["c", "b"], true), page(&["b", "a"], false)],
                Ok("a b c"),
            ),
            (
                "never at rest",
                [0; 5].iter().flat_map(|_| [page(&["b"], true), gone()]).collect(),
                Err("changes faster"),
            ),
            ("a page that fails", vec![page(&["b"], true), no(403, "no more")], Err("no more")),
            ("no servers", vec![ok(&json!({"flavors": []}))], Err("`servers`")),
            ("a server without an id", vec![ok(&json!({"servers": [{"name": "x"}]}))], Err("makes no sense")),
        ] {
            let cloud = Cloud::start().await;
            cloud.on("GET", &format!("{COMPUTE}/servers/detail"), answers).await;
            let told = cloud.provider("").servers().await;
            let told =
                told.map(|servers| servers.iter().map(|server| server.id.to_string()).collect::<Vec<_>>().join(" "));
            match (told, expected) {
                (Ok(told), Ok(expected)) => assert_eq!(told, expected, "{what}"),
                (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{what}: {error}"),
                (told, _) => panic!("{what}: {told:?}"),
            }
        }
    });
}

#[test]
fn the_catalog_is_read_for_interface_and_region_and_nothing_is_guessed() {
    let places = [("public", "R1", "/a"), ("publicURL", "R2", "/b"), ("internal", "R1", "/c")];
    block_on(async {
        for (more, expected) in [
            ("    region_name: R1\n", Ok("/a")),
            ("    region_name: R2\n", Ok("/b")),
            ("    interface: internal\n", Ok("/c")),
            ("    region_name: R1\n    interface: internalURL\n", Ok("/c")),
            (
                "",
                Err("which Nova? Write `region_name`; the catalog has: public in R1, publicURL in R2, internal in R1"),
            ),
            ("    region_name: R3\n", Err("no public address in region R3; it has: public in R1")),
            ("    interface: admin\n", Err("Nova has no admin address; it has: public in R1")),
        ] {
            let cloud = Cloud::bare().await;
            let catalog = |uri: &str| {
                let with: Vec<_> =
                    places.iter().map(|(interface, region, at)| (*interface, *region, format!("{uri}{at}"))).collect();
                endpoints(
                    &with
                        .iter()
                        .map(|(interface, region, url)| (*interface, *region, url.as_str()))
                        .collect::<Vec<_>>(),
                )
            };
            cloud.keystone(catalog, "14400").await;
            let told = cloud.provider(more).servers().await;
            match expected {
                Ok(at) => assert!(cloud.asked().await.contains_key(&format!("GET {at}/")), "{more}"),
                Err(text) => {
                    let error = told.unwrap_err();
                    assert!(matches!(error, ProviderError::Setup(_)));
                    assert!(
                        error.to_string().contains(text) && error.to_string().contains("entry `workshop`"),
                        "{error}"
                    );
                }
            }
        }
        let cloud = Cloud::bare().await;
        cloud.keystone(|_| json!([{"type": "identity", "endpoints": []}]), "14400").await;
        let error = cloud.provider("").servers().await.unwrap_err().to_string();
        assert!(error.contains("the catalog has no Nova; it has: identity"), "{error}");
    });
}

/// Everything that can be printed, while every answer sends back what we sent.
#[test]
fn no_secret_is_told_to_anybody() {
    block_on(async {
        let echo = format!("you said password={SECRET} and X-Auth-Token: {TOKEN}");
        let mut told: BTreeSet<String> = BTreeSet::new();
        for status in [200, 300, 400, 401, 403, 404, 409, 413, 429, 500, 503] {
            for html in [false, true] {
                let answer = if html {
                    ResponseTemplate::new(status).set_body_raw(echo.clone(), "text/html")
                } else {
                    no(status, &echo)
                };
                let login = Cloud::bare().await;
                // It was given no token yet.
                let said = format!("you said password={SECRET}");
                let refused = if html {
                    ResponseTemplate::new(status).set_body_raw(said, "text/html")
                } else {
                    no(status, &said)
                };
                login.on("POST", "/keystone/v3/auth/tokens", vec![refused]).await;
                told.insert(format!("{:#?}", login.provider("").servers().await));

                let cloud = Cloud::start().await;
                cloud.on("GET", &format!("{COMPUTE}/servers/detail"), vec![answer.clone()]).await;
                cloud.on("GET", &format!("{COMPUTE}/flavors/detail"), vec![answer.clone()]).await;
                cloud.on("GET", &format!("{COMPUTE}/limits"), vec![answer.clone()]).await;
                cloud.on("POST", &format!("{}/action", one()), vec![answer.clone()]).await;
                cloud.on("PUT", &format!("{}/metadata/k", one()), vec![answer.clone()]).await;
                cloud.in_state("active", Value::Null).await;
                let provider = cloud.provider("    verify: false\n");
                let id = Name::from(ID);
                told.insert(format!("{:#?}", provider.survey().await));
                told.insert(format!("{:#?}", provider.quota().await));
                told.insert(format!("{:#?}", provider.leftovers().await));
                told.insert(format!("{:#?}", provider.set_metadata(&id, "k", Some(&"v".into())).await));
                let done = provider.park(&id, Idle::Shelve).await;
                told.extend(done.as_ref().err().map(ToString::to_string));
                told.insert(format!("{done:#?}"));
                told.extend(provider.config().warnings());
                let away = Cloud::start().await;
                away.on("GET", &one(), vec![answer]).await;
                told.insert(format!("{:#?}", away.provider("").server(&id).await));
            }
        }
        // An answer of which a value is not of its kind: serde would quote it.
        let cloud = Cloud::start().await;
        cloud.on("GET", &format!("{COMPUTE}/limits"), vec![ok(&json!({"limits": echo}))]).await;
        let servers = json!({"servers": [{"id": "a", "locked": echo}]});
        cloud.on("GET", &format!("{COMPUTE}/servers/detail"), vec![ok(&servers)]).await;
        let flavors = json!({"flavors": [{"id": "a", "ram": echo}]});
        cloud.on("GET", &format!("{COMPUTE}/flavors/detail"), vec![ok(&flavors)]).await;
        told.insert(format!("{:#?} {:#?}", cloud.provider("").survey().await, cloud.provider("").quota().await));
        assert!(told.len() > 40, "{}", told.len());
        assert!(told.iter().any(|text| text.contains("password=***") && text.contains("X-Auth-Token: ***")));
        for text in told {
            assert!(!text.contains(SECRET) && !text.contains(TOKEN), "{text}");
        }
    });
}

/// TLS: a CA bundle that is none says so before anything is asked; `verify: false` is loud.
#[test]
fn certificates_are_checked_or_it_is_said() {
    block_on(async {
        let cloud = Cloud::start().await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        for (text, expected) in [(None, "cannot be read"), (Some("hello"), "holds no certificate")] {
            if let Some(text) = text {
                std::fs::write(&file, text).unwrap();
            }
            let config = cloud.config(&format!("    cacert: {}\n", file.display())).unwrap();
            assert_eq!(config.warnings(), Vec::<String>::new());
            let error = Openstack::new(config, hurried()).err().unwrap().to_string();
            assert!(
                error.contains(expected) && error.contains("ca.pem") && error.contains("entry `workshop`"),
                "{error}"
            );
        }
        let config = cloud.config("    verify: false\n").unwrap();
        assert!(config.warnings()[0].contains("verify: false") && config.warnings()[0].contains("cacert"));
    });
}
