//! The memory in its ConfigMap.

use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate::cluster::{Cluster, ClusterError};
use tidegate::model::{Memory, Name, NodeMemory};
use wiremock::ResponseTemplate;

use super::fake::{Fake, MAPS, refusal};

fn memory(second: i64, nodes: i64) -> Memory {
    let at = |number: i64| Timestamp::from_second(1_800_000_000 + number).ok();
    let node = |number: i64| {
        let memory = NodeMemory { parked_since: at(number), ..NodeMemory::default() };
        (Name::from(format!("node-{number}")), memory)
    };
    Memory { written: at(second), nodes: (0..nodes).map(node).collect(), ..Memory::default() }
}

fn path() -> String {
    format!("{MAPS}/tidegate-memory")
}

async fn recalled(fake: &Fake) -> Memory {
    fake.another("tidegate").await.observe().await.unwrap().memory
}

#[tokio::test]
async fn what_was_remembered_is_observed_by_the_next_run() {
    let fake = Fake::start().await;
    for second in [1, 2] {
        fake.live.remember(&memory(second, second)).await.unwrap();
        let text = fake.object(&path()).unwrap()["data"]["memory.json"].as_str().unwrap().to_owned();
        assert_eq!(serde_json::from_str::<Memory>(&text).unwrap(), memory(second, second));
        assert_eq!(recalled(&fake).await, memory(second, second));
    }
    // 1 MiB is the most that an object may have.
    let large = memory(3, 20_000);
    fake.live.remember(&large).await.unwrap();
    let map = fake.object(&path()).unwrap();
    assert!(map["data"].is_null() && map.to_string().len() < 1 << 20);
    assert_eq!(recalled(&fake).await, large);
}

#[tokio::test]
async fn of_two_that_write_the_newer_memory_stays() {
    let fake = Fake::start().await;
    fake.live.remember(&memory(1, 1)).await.unwrap();
    let put = |second: i64| {
        move |objects: &mut super::fake::Objects| {
            let text = serde_json::to_string(&memory(second, 5)).unwrap();
            objects.change(&path(), |map| map["data"]["memory.json"] = Value::String(text));
        }
    };
    fake.before("PUT", &path(), put(2));
    fake.live.remember(&memory(3, 3)).await.unwrap();
    assert_eq!(recalled(&fake).await, memory(3, 3), "written again over an older one");
    fake.before("PUT", &path(), put(9));
    let refused = fake.live.remember(&memory(4, 4)).await;
    assert!(matches!(refused, Err(ClusterError::Conflict(_))), "{refused:?}");
    assert_eq!(recalled(&fake).await, memory(9, 5));
}

/// H6: records that cannot be read are not records that are not there.
#[tokio::test]
async fn an_answer_that_is_no_list_of_records_is_a_gap() {
    let fake = Fake::start().await;
    for answer in [
        json!({"apiVersion": "v1", "kind": "NodeList", "metadata": {"resourceVersion": "1"}, "items": []}),
        json!({"metadata": {"resourceVersion": "1"}, "items": []}),
    ] {
        fake.answers("GET", MAPS, vec![ResponseTemplate::new(200).set_body_json(answer)]);
        let gaps = fake.another("tidegate").await.observe().await.unwrap().gaps;
        assert_eq!(gaps.len(), 1, "{gaps:?}");
        assert!(gaps[0].contains(": list configmaps in namespace tidegate: the answer makes no sense: "), "{gaps:?}");
    }
}

#[tokio::test]
async fn what_is_missing_to_remember_is_said() {
    let fake = Fake::start().await;
    let error = fake.another("elsewhere").await.remember(&memory(1, 1)).await.unwrap_err().to_string();
    assert!(error.contains("kubectl create namespace elsewhere"), "{error}");
    let role = "configmaps is forbidden: User \"ada\" cannot create resource";
    fake.answers("POST", MAPS, vec![refusal(403, "Forbidden", role)]);
    let error = fake.live.remember(&memory(1, 1)).await.unwrap_err().to_string();
    assert_eq!(error, "not allowed to create configmap tidegate-memory in namespace tidegate as ada");
}
