//! Is a trunk alive?
//!
//! ```text
//! Alive --two troubles in a row--> Troubled --one sign of life--> Alive
//! ```
//!
//! It begins alive: a worker does not wait for the first OPTIONS. One loss proves nothing on UDP; one answer proves
//! everything.

/// Troubles in a row that make a trunk unhealthy.
const ENOUGH: u32 = 2;

/// Something seen of a trunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sign {
    /// It answered, with anything but "I am down".
    Alive(String),
    /// It did not, or said so.
    Trouble(String),
}

/// What is known of a trunk's life.
#[derive(Debug)]
pub(super) struct Health {
    watched: bool,
    troubles: u32,
    last: Option<String>,
}

impl Health {
    pub(super) const fn new(watched: bool) -> Self {
        Self {
            watched,
            troubles: 0,
            last: None,
        }
    }

    /// Takes a sign. `Some` when it changed the verdict.
    pub(super) fn saw(&mut self, sign: Sign) -> Option<bool> {
        let before = self.trouble().is_none();
        match sign {
            Sign::Alive(what) => {
                self.troubles = 0;
                self.last = Some(what);
            }
            Sign::Trouble(what) => {
                self.troubles = self.troubles.saturating_add(1);
                self.last = Some(what);
            }
        }
        let now = self.trouble().is_none();
        (before != now).then_some(now)
    }

    /// Why it should be given no call; `None` while it may. A trunk nobody watches is always taken for alive: nothing
    /// would ever find out that it came back.
    pub(super) fn trouble(&self) -> Option<&str> {
        (self.watched && self.troubles >= ENOUGH).then(|| self.last.as_deref().unwrap_or("no answer"))
    }

    pub(super) fn last_seen(&self) -> Option<&str> {
        self.last.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unwatched_trunk_is_never_written_off() {
        let mut health = Health::new(false);
        for _ in 0..10 {
            assert_eq!(health.saw(Sign::Trouble("refused".into())), None);
        }
        assert_eq!(health.trouble(), None);
    }
}
