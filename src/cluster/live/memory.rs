//! The memory, kept as JSON in the ConfigMap `tidegate-memory`.
//!
//! An object may have 1 MiB. A memory that is longer is kept compressed; one that is still too long loses the nodes of which
//! nothing was noted for longest, and an annotation says how many.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::call::Failed;
use super::client::Live;
use crate::cluster::ClusterError;
use crate::model::{Memory, NodeMemory};

/// The ConfigMap's name.
pub(super) const NAME: &str = "tidegate-memory";
const KEY: &str = "memory.json";
const PACKED: &str = "memory.json.gz";
/// Annotation: what was left out.
const TRIMMED: &str = "tidegate.dev/left-out";
/// Bytes of one object's data, with room for what it carries besides.
const MOST: usize = 1_000_000;
/// Longest that an unpacked memory may be.
const UNPACKED: u64 = 64 << 20;
const TRIES: u32 = 5;

impl Live {
    /// What was remembered; nothing if nothing ever was.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) async fn recall(&self) -> Result<Memory, ClusterError> {
        let Some(map) = self.map(NAME).await? else { return Ok(Memory::default()) };
        read(&map).map_err(|why| self.map_call("get", NAME).error(&Failed::Garbled(why)))
    }

    /// See [`crate::cluster::Cluster::remember`].
    pub(super) async fn write_memory(&self, memory: &Memory) -> Result<(), ClusterError> {
        self.forget_leftovers().await;
        for _ in 0..TRIES {
            let there = self.map(NAME).await?;
            let newer = |stored: &Memory| stored.written > memory.written;
            if there.as_ref().and_then(|map| read(map).ok()).is_some_and(|stored| newer(&stored)) {
                break;
            }
            let mut map = written(memory, MOST);
            map.metadata.resource_version = there.and_then(|map| map.metadata.resource_version);
            match self.put_map(&map).await {
                Err(ClusterError::Conflict(_)) => {}
                other => return other,
            }
        }
        Err(ClusterError::Conflict(format!("configmap {NAME}")))
    }
}

fn read(map: &ConfigMap) -> Result<Memory, String> {
    let text = map.data.as_ref().and_then(|data| data.get(KEY));
    let packed = map.binary_data.as_ref().and_then(|data| data.get(PACKED));
    let result = match (text, packed) {
        (Some(text), _) => serde_json::from_str(text),
        (None, Some(ByteString(packed))) => serde_json::from_reader(GzDecoder::new(packed.as_slice()).take(UNPACKED)),
        (None, None) => return Ok(Memory::default()),
    };
    result.map_err(|error| error.to_string())
}

/// The ConfigMap of a memory, its data no longer than `most` bytes.
fn written(memory: &Memory, most: usize) -> ConfigMap {
    let mut map = ConfigMap {
        metadata: ObjectMeta { name: Some(NAME.to_owned()), ..ObjectMeta::default() },
        ..ConfigMap::default()
    };
    let text = json(memory);
    if text.len() <= most {
        map.data = Some([(KEY.to_owned(), text)].into());
        return map;
    }
    let mut memory = memory.clone();
    let whole = memory.nodes.len();
    let mut bytes = packed(&memory);
    while bytes.len() > most && !memory.nodes.is_empty() {
        let mut newest: Vec<Option<Timestamp>> = memory.nodes.values().map(touched).collect();
        newest.sort_unstable();
        let keep_from = newest.get(newest.len() / 4).copied().flatten();
        let before = memory.nodes.len();
        memory.nodes.retain(|_, node| touched(node) > keep_from);
        if memory.nodes.len() == before {
            memory.nodes.clear();
        }
        bytes = packed(&memory);
    }
    map.binary_data = Some([(PACKED.to_owned(), ByteString(bytes))].into());
    let left_out = whole.saturating_sub(memory.nodes.len());
    if left_out > 0 {
        let text = format!("the memory of {left_out} of {whole} nodes, for want of room");
        map.metadata.annotations = Some([(TRIMMED.to_owned(), text)].into());
    }
    map
}

fn json(memory: &Memory) -> String {
    serde_json::to_string(memory).unwrap_or_default()
}

fn packed(memory: &Memory) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Writing into memory does not fail.
    let done = encoder.write_all(json(memory).as_bytes()).and_then(|()| encoder.finish());
    done.unwrap_or_default()
}

/// When something about a node was noted last, or will matter last.
fn touched(node: &NodeMemory) -> Option<Timestamp> {
    let failed = node.drain_failure.as_ref().map(|failure| failure.next);
    let unwoken = node.wake_failure.as_ref().map(|failure| failure.next);
    [node.unneeded_since, node.parked_since, node.not_before, failed, unwoken].into_iter().flatten().max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Name;

    fn memory(nodes: i64) -> Memory {
        let node = |number: i64| {
            let at = Timestamp::from_second(1_800_000_000 + number * 7_919).ok();
            (Name::from(format!("node-{number:05}")), NodeMemory { parked_since: at, ..NodeMemory::default() })
        };
        Memory { nodes: (0..nodes).map(node).collect(), ..Memory::default() }
    }

    fn size(map: &ConfigMap) -> usize {
        let texts = map.data.iter().flatten().map(|(key, text)| key.len() + text.len());
        let bytes = map.binary_data.iter().flatten().map(|(key, bytes)| key.len() + bytes.0.len());
        texts.chain(bytes).sum()
    }

    #[test]
    fn a_memory_is_written_as_text_then_packed_then_without_what_is_oldest() {
        let whole = memory(500);
        for (most, packed) in [(MOST, false), (20_000, true)] {
            let map = written(&whole, most);
            assert_eq!((map.binary_data.is_some(), read(&map).unwrap()), (packed, whole.clone()), "{most}");
            assert!(map.metadata.annotations.is_none() && size(&map) <= most + PACKED.len());
        }
        let map = written(&whole, 2_000);
        let kept = read(&map).unwrap();
        assert!(size(&map) <= 2_000 + PACKED.len() && !kept.nodes.is_empty() && kept.nodes.len() < 500);
        let oldest_kept = kept.nodes.keys().next().unwrap();
        assert!(whole.nodes.range(oldest_kept.clone()..).eq(kept.nodes.iter()), "the newest are kept");
        let words = &map.metadata.annotations.unwrap()[TRIMMED];
        assert!(words.contains(&format!("{} of 500 nodes", 500 - kept.nodes.len())), "{words}");
    }

    #[test]
    fn nodes_without_a_time_go_first_and_an_end_is_reached() {
        let mut whole = memory(0);
        for number in 0..3_000 {
            whole.nodes.insert(Name::from(format!("n-{number}")), NodeMemory::default());
        }
        assert!(read(&written(&whole, 1_000)).unwrap().nodes.is_empty());
    }
}
