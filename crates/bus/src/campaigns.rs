//! Which campaigns exist: a job for any other is a mistake that somebody must hear of.

use async_nats::HeaderMap;
use bytes::Bytes;
use hark_outcome::CampaignId;
use serde_json::json;

use crate::jobs::subject_counts;
use crate::wire::{NotStored, Read, now};
use crate::{Bus, BusError};

impl Bus {
    /// Makes a campaign known. Again is harmless.
    ///
    /// # Errors
    /// [`BusError`] when it is not known to be written.
    pub async fn register_campaign(&self, campaign: &CampaignId) -> Result<(), BusError> {
        let subject = self.0.names.campaigns().campaign(campaign);
        let body = Bytes::from(json!({ "registered_at": now() }).to_string());
        let what = format!("campaign {campaign}");
        match self.0.wire.store(&subject, HeaderMap::new(), body, &what).await {
            Ok(_) => Ok(()),
            Err(NotStored::Failed(e)) => Err(e),
            Err(NotStored::Taken) => Err(self.0.wire.refused(
                &what,
                "the campaigns bucket takes no second value; run `hark doctor`",
            )),
        }
    }

    /// Every known campaign, by name.
    ///
    /// # Errors
    /// [`BusError`] when the bucket cannot be read.
    pub async fn campaigns(&self) -> Result<Vec<CampaignId>, BusError> {
        let bucket = self.0.names.campaigns();
        let (stream, every) = (bucket.stream(), bucket.every_key());
        let what = "the known campaigns";
        let counts = subject_counts(&self.0.wire, &stream, Some(&every), what).await?;
        let mut campaigns = Vec::new();
        for subject in counts.subjects.keys() {
            let Some(campaign) = bucket.key(subject).and_then(|key| CampaignId::new(key).ok()) else {
                continue;
            };
            if self
                .0
                .wire
                .last(&stream, subject, what)
                .await?
                .is_some_and(|read| is_live(&read))
            {
                campaigns.push(campaign);
            }
        }
        Ok(campaigns)
    }
}

/// Whether the last message of a key is a value, and not the mark of its deletion or expiry.
pub(crate) fn is_live(read: &Read) -> bool {
    let deleted = matches!(read.header("KV-Operation"), Some("DEL" | "PURGE"));
    !deleted && read.header("Nats-Marker-Reason").is_none()
}
