//! How long things take: deterministic, different for different names, in whole seconds.

use jiff::SignedDuration;

/// What takes time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delay {
    /// A pod's containers start after it was bound.
    Start,
    /// A started pod becomes Ready, where it has a readiness probe.
    Ready,
    /// A pod stops after its deletion.
    Stop,
    /// A server is shelved and offloaded.
    Shelve,
    /// A server is unshelved.
    Unshelve,
    /// A server is stopped.
    PowerOff,
    /// A server is started.
    PowerOn,
    /// A server is suspended.
    Suspend,
    /// A server is resumed.
    Resume,
    /// A node is Ready after its server runs.
    Join,
    /// A server is made.
    Build,
    /// A server is destroyed.
    Destroy,
    /// A volume is detached after its last pod left.
    Detach,
}

impl Delay {
    /// The shortest and the longest, in seconds. Shelving and unshelving as measured on Jetstream2 for nine m3.medium.
    fn range(self) -> (u64, u64) {
        match self {
            Self::Start => (2, 6),
            Self::Ready => (5, 15),
            Self::Stop => (1, 5),
            Self::Shelve => (60, 180),
            Self::Unshelve => (60, 240),
            Self::PowerOff | Self::Suspend => (10, 30),
            Self::PowerOn | Self::Resume => (5, 20),
            Self::Build => (30, 90),
            Self::Destroy => (5, 20),
            Self::Join => (30, 60),
            Self::Detach => (3, 10),
        }
    }

    /// How long it takes for the object called `name`.
    pub fn of(self, name: &str) -> SignedDuration {
        let (low, high) = self.range();
        let hash = hash(&[&format!("{self:?}"), name]);
        SignedDuration::from_secs(i64::try_from(low + hash % (high - low + 1)).unwrap_or(i64::MAX))
    }
}

/// A stable hash of these words (FNV-1a, 64 bit, with a finishing mix): the same in every run and version.
pub fn hash(words: &[&str]) -> u64 {
    let mut state: u64 = 0xcbf2_9ce4_8422_2325;
    for word in words {
        for byte in word.bytes().chain([0xff]) {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    state = (state ^ (state >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    state = (state ^ (state >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    state ^ (state >> 33)
}

/// Five characters as Kubernetes appends to generated names: no vowels, nothing that looks like something else.
pub fn suffix(hash: u64) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut rest = hash;
    (0..5)
        .filter_map(|_| {
            let size = LETTERS.len() as u64;
            let letter = LETTERS.get(usize::try_from(rest % size).unwrap_or(0)).copied();
            rest /= size;
            letter.map(char::from)
        })
        .collect()
}

/// A UID that looks like one, made of these words.
pub fn uid(words: &[&str]) -> String {
    let (high, low) = (hash(words), hash(&[&words.join("/"), "low"]));
    let (a, b, c) = (high >> 32, (high >> 16) & 0xffff, high & 0x0fff);
    let (d, e) = ((low >> 48) & 0x3fff | 0x8000, low & 0xffff_ffff_ffff);
    format!("{a:08x}-{b:04x}-4{c:03x}-{d:04x}-{e:012x}")
}
