//! How a call attempt ends: one disposition, refined by one cause.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$vdoc])* $variant,)+
            /// A word from a newer version than this reader.
            #[serde(other)]
            Unknown,
        }

        impl $name {
            /// Every word this version writes.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word in JSON, subjects and tables.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Unknown => "unknown",
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|w| w.as_str() == text).ok_or_else(|| {
                    format!("{text:?} is no {}; known: {}", stringify!($name).to_lowercase(),
                        Self::ALL.iter().map(|w| w.as_str()).collect::<Vec<_>>().join(", "))
                })
            }
        }
    };
}

words! {
    /// How one attempt ended. Exactly one per attempt.
    Disposition {
        /// A live person picked up.
        Answered = "answered",
        /// Something automatic picked up.
        Machine = "machine",
        /// The callee's line is in use.
        Busy = "busy",
        /// It rang and nobody came.
        NoAnswer = "no_answer",
        /// Answered, but without sound or without speech.
        Silence = "silence",
        /// The callee or their network refused us.
        Rejected = "rejected",
        /// The phone cannot be reached now.
        Unreachable = "unreachable",
        /// The record is bad: do not dial it again.
        Invalid = "invalid",
        /// Our side or the carrier failed; says nothing of the callee.
        Network = "network",
        /// Policy stopped the call before an INVITE.
        Refused = "refused",
        /// The worker was lost after the INVITE may have been sent; never redialled blindly.
        Interrupted = "interrupted",
    }
}

words! {
    /// Why an attempt ended as it did. Each cause belongs to one disposition.
    Cause {
        /// A live person.
        Person = "person",
        /// A network voicemail (语音信箱).
        Voicemail = "voicemail",
        /// A machine at the callee's.
        AnsweringMachine = "answering_machine",
        /// A screener that asks for name and reason.
        CallScreening = "call_screening",
        /// A menu.
        Ivr = "ivr",
        /// A voice assistant (语音助手/秘书).
        Assistant = "assistant",
        /// A mailbox that takes no more messages.
        MailboxFull = "mailbox_full",
        /// A fax machine.
        Fax = "fax",
        /// 用户忙.
        UserBusy = "user_busy",
        /// 正在通话中.
        OnAnotherCall = "on_another_call",
        /// A busy tone, without a word from signalling.
        BusyTone = "busy_tone",
        /// We stopped ringing at our own deadline.
        RingTimeout = "ring_timeout",
        /// 无人接听: the network said nobody came.
        NotAnswered = "not_answered",
        /// Answered, and not one RTP packet came.
        NoMedia = "no_media",
        /// Answered, RTP came, nobody spoke.
        DeadAir = "dead_air",
        /// 拒接.
        Declined = "declined",
        /// 呼入限制.
        IncomingBarred = "incoming_barred",
        /// The callee's side blocks us.
        Blocked = "blocked",
        /// 关机.
        PoweredOff = "powered_off",
        /// 不在服务区.
        OutOfCoverage = "out_of_coverage",
        /// 无法接通.
        NotReachable = "not_reachable",
        /// 来电提醒.
        CallReminder = "call_reminder",
        /// 呼叫转移失败.
        ForwardFailed = "forward_failed",
        /// 空号.
        VacantNumber = "vacant_number",
        /// 停机.
        OutOfService = "out_of_service",
        /// 暂停服务.
        Suspended = "suspended",
        /// 改号.
        NumberChanged = "number_changed",
        /// 拨号错误.
        Misdialled = "misdialled",
        /// 网络忙.
        Congestion = "congestion",
        /// 线路故障.
        LineFault = "line_fault",
        /// The trunk refused us, not the callee.
        TrunkRejected = "trunk_rejected",
        /// 主叫欠费: our own line is in debt.
        CallerLineOwing = "caller_line_owing",
        /// No codec or transport in common.
        MediaMismatch = "media_mismatch",
        /// The trunk did not answer in time.
        TrunkTimeout = "trunk_timeout",
        /// On a do-not-call list.
        Dnc = "dnc",
        /// Outside the hours in which this number may be called.
        OutsideWindow = "outside_window",
        /// Called too often already.
        FrequencyCap = "frequency_cap",
        /// The same job was dialled before.
        Duplicate = "duplicate",
        /// No trunk may dial it: malformed, emergency, premium, or outside the allowed prefixes.
        BadNumber = "bad_number",
        /// Known to be vacant or out of service.
        KnownInvalid = "known_invalid",
        /// The job's time had passed.
        Expired = "expired",
        /// Somebody withdrew it.
        Cancelled = "cancelled",
        /// The worker was lost, or told to stop at once, during the call.
        WorkerLost = "worker_lost",
    }
}

impl Cause {
    /// The disposition this cause refines.
    #[must_use]
    pub const fn disposition(self) -> Disposition {
        use Cause as C;
        match self {
            C::Person => Disposition::Answered,
            C::Voicemail
            | C::AnsweringMachine
            | C::CallScreening
            | C::Ivr
            | C::Assistant
            | C::MailboxFull
            | C::Fax => Disposition::Machine,
            C::UserBusy | C::OnAnotherCall | C::BusyTone => Disposition::Busy,
            C::RingTimeout | C::NotAnswered => Disposition::NoAnswer,
            C::NoMedia | C::DeadAir => Disposition::Silence,
            C::Declined | C::IncomingBarred | C::Blocked => Disposition::Rejected,
            C::PoweredOff | C::OutOfCoverage | C::NotReachable | C::CallReminder | C::ForwardFailed => {
                Disposition::Unreachable
            }
            C::VacantNumber | C::OutOfService | C::Suspended | C::NumberChanged | C::Misdialled => {
                Disposition::Invalid
            }
            C::Congestion
            | C::LineFault
            | C::TrunkRejected
            | C::CallerLineOwing
            | C::MediaMismatch
            | C::TrunkTimeout => Disposition::Network,
            C::Dnc
            | C::OutsideWindow
            | C::FrequencyCap
            | C::Duplicate
            | C::BadNumber
            | C::KnownInvalid
            | C::Expired
            | C::Cancelled => Disposition::Refused,
            C::WorkerLost => Disposition::Interrupted,
            C::Unknown => Disposition::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_in_json_is_the_word_in_tables() {
        for c in Cause::ALL {
            assert_eq!(serde_json::to_value(c).expect("a word"), c.as_str());
            assert_ne!(
                c.disposition(),
                Disposition::Unknown,
                "{c} belongs to a disposition"
            );
        }
        for d in Disposition::ALL {
            assert_eq!(serde_json::to_value(d).expect("a word"), d.as_str());
            assert!(
                Cause::ALL.iter().any(|c| c.disposition() == *d),
                "{d} has at least one cause"
            );
        }
    }

    #[test]
    fn a_word_from_a_newer_version_reads_as_unknown() {
        let c: Cause = serde_json::from_str("\"teleported\"").expect("forward compatible");
        assert_eq!(c, Cause::Unknown);
    }
}
