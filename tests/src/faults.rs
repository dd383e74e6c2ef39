//! `faults.toml`: what goes wrong between a client and the emulator, and what must come of it.

pub mod proxy;

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use crate::data;
use proxy::{Came, Proxy};

/// The table; its header says what everything means.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the table documents them")]
pub struct Table {
    pub fault: Vec<Row>,
    pub storm: Storm,
}

/// One thing that goes wrong.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the table documents them")]
pub struct Row {
    pub name: String,
    #[serde(rename = "where")]
    pub place: Place,
    pub fault: Fault,
    #[serde(default)]
    pub after: usize,
    pub times: Option<usize>,
    #[serde(default)]
    pub large: bool,
    pub expect: BTreeMap<String, String>,
    pub sends: BTreeMap<String, usize>,
    pub asked: Option<usize>,
    #[serde(default)]
    pub differs: Vec<Difference>,
}

/// Where a face comes to something else, and why.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the table documents them")]
pub struct Difference {
    pub faces: Vec<String>,
    #[serde(default)]
    pub expect: BTreeMap<String, String>,
    #[serde(default)]
    pub sends: BTreeMap<String, usize>,
    pub asked: Option<usize>,
    pub why: String,
}

impl Row {
    /// Of a call by a method: what it comes to, how often it comes to the API, and how often STS is asked.
    ///
    /// # Panics
    ///
    /// If the table does not say.
    #[must_use]
    pub fn expected(&self, face: &str, method: &str) -> (String, usize, Option<usize>) {
        let differs = self.differs.iter().find(|differs| differs.faces.iter().any(|each| each == face));
        let expect = differs.and_then(|differs| differs.expect.get(method)).or_else(|| self.expect.get(method));
        let sends = differs.and_then(|differs| differs.sends.get(method)).or_else(|| self.sends.get(method));
        let asked = differs.and_then(|differs| differs.asked).or(self.asked);
        (expect.expect("an outcome").clone(), *sends.expect("a count"), asked)
    }

    /// How many calls are made before the one that matters: of two faults it is the one after that which meets them.
    #[must_use]
    pub fn before(&self) -> usize {
        self.after + usize::from(matches!(self.fault, Fault::CloseAfterAnswer | Fault::Unasked))
    }

    /// Whether the call goes over the connection of those before.
    #[must_use]
    pub fn is_over_one_connection(&self) -> bool {
        self.after > 0 && self.before() == self.after
    }
}

/// The faults of the storm, and how many in a hundred requests meet one.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the table documents them")]
pub struct Storm {
    pub percent: u64,
    pub sts: Vec<Fault>,
    pub api: Vec<Fault>,
}

/// In front of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the table documents them")]
pub enum Place {
    Sts,
    Api,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[expect(missing_docs, reason = "the table documents them")]
pub enum Fault {
    ResetAtOnce,
    NeverReads,
    EarlyAnswer {
        status: u16,
        drains: bool,
    },
    Status {
        status: u16,
        #[serde(default)]
        body: String,
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
    ResetAfterRequest,
    CloseAfterRequest,
    CloseAfterAnswer,
    CutHead,
    CutBody {
        #[serde(default)]
        resets: bool,
    },
    CutChunks,
    Late {
        seconds: f64,
    },
    Hold,
    DripHead {
        seconds: f64,
    },
    DripBody {
        seconds: f64,
    },
    Garbage,
    HugeHeader,
    Unasked,
    Interim,
    Date {
        seconds: Option<i64>,
        text: Option<String>,
        status: Option<u16>,
    },
}

/// Which of a proxy's requests meet which fault.
#[derive(Debug)]
pub enum Plan {
    /// None does.
    Calm,
    /// So many after the first ones, or all.
    Some {
        /// What they meet.
        fault: Fault,
        /// How many pass before.
        after: usize,
        /// How many meet it.
        times: Option<usize>,
    },
    /// As the dice have it.
    Random {
        /// What they may meet.
        faults: Vec<Fault>,
        /// How many in a hundred do.
        percent: u64,
        /// The last number drawn.
        last: Mutex<u64>,
    },
}

impl Plan {
    fn fault(&self, index: usize) -> Option<Fault> {
        match self {
            Self::Calm => None,
            Self::Some { fault, after, times } => {
                let is_met = index >= *after && times.is_none_or(|times| index < after + times);
                is_met.then(|| fault.clone())
            }
            Self::Random { faults, percent, last } => {
                let mut last = last.lock().unwrap();
                // xorshift (Marsaglia, "Xorshift RNGs", 2003).
                let mut draw = || {
                    *last ^= *last << 13;
                    *last ^= *last >> 7;
                    *last ^= *last << 17;
                    *last
                };
                if draw() % 100 >= *percent {
                    return None;
                }
                let index = usize::try_from(draw() % faults.len() as u64).unwrap();
                faults.get(index).cloned()
            }
        }
    }
}

impl Table {
    /// The table.
    ///
    /// # Panics
    ///
    /// If it is none.
    #[must_use]
    pub fn read() -> Self {
        toml::from_str(&data("faults.toml")).expect("a table of faults")
    }

    /// A row by its name.
    #[must_use]
    pub fn row(&self, name: &str) -> Option<&Row> {
        self.fault.iter().find(|row| row.name == name)
    }
}

/// Both proxies, as one run needs them.
pub struct Pair {
    /// In front of STS.
    pub sts: Proxy,
    /// In front of the API.
    pub api: Proxy,
}

impl Pair {
    /// For a row. The addresses are the emulator's.
    #[must_use]
    pub fn of(row: &Row, sts: &str, api: &str) -> Self {
        let plan = |place| {
            if row.place != place {
                return Plan::Calm;
            }
            Plan::Some { fault: row.fault.clone(), after: row.after, times: row.times }
        };
        Self { sts: Proxy::start(sts, plan(Place::Sts)), api: Proxy::start(api, plan(Place::Api)) }
    }

    /// For a storm of this seed, which is no zero.
    #[must_use]
    pub fn of_storm(storm: &Storm, seed: u64, sts: &str, api: &str) -> Self {
        let plan = |faults: &[Fault], seed| Plan::Random {
            faults: faults.to_vec(),
            percent: storm.percent,
            last: Mutex::new(seed),
        };
        Self {
            sts: Proxy::start(sts, plan(&storm.sts, seed)),
            api: Proxy::start(api, plan(&storm.api, seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))),
        }
    }

    /// From now on nothing fails.
    pub fn calm(&self) {
        self.sts.calm();
        self.api.calm();
    }
}

/// After what a call may be sent again, whatever its method: nothing was done, and the signature was to blame. That is a 403 whose head
/// the client has seen.
#[must_use]
pub fn was_refused(came: &Came) -> bool {
    match came.fault {
        Some(Fault::Date { status, .. }) => status == Some(403) || came.status == Some(403),
        Some(Fault::Status { status, .. }) => status == 403,
        Some(
            Fault::ResetAfterRequest | Fault::CloseAfterRequest | Fault::CutHead | Fault::Garbage | Fault::HugeHeader,
        ) => false,
        _ => came.status == Some(403),
    }
}
