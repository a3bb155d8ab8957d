//! A real phone on another host.

use std::time::Duration;

use hark_outcome::{Cause, Disposition, Flag};
use hark_tests::{Lab, Phone, Reads, Sound, Worker, may_make_namespaces};
use serde_json::json;

#[tokio::test]
async fn a_phone_on_another_host_is_called_heard_spoken_to_and_released() {
    if !may_make_namespaces() {
        return;
    }
    let lab = Lab::start().await;
    let phone = Phone::start(&lab.place, Sound::Greeting).await;
    Sound::Monologue.write_wav(&lab.place.file("hello.wav"));
    let config = lab
        .config()
        .trunk("main", phone.address())
        .set("line", "bind", json!(phone.our_side()))
        .set("line", "advertise", json!(phone.our_side()))
        .set("campaign.default", "play", json!("hello.wav"));
    let worker = Worker::start(&lab, &config);
    let before = phone.packets();

    let result = lab.dial("phone").await;

    result.reads(Disposition::Answered, Cause::Person);
    assert!(result.flags.contains(&Flag::Played), "{:?}", result.flags);
    let media = result.media.clone().expect("a call with sound");
    assert!(media.received > 400, "{media:?}");
    phone.says("Call established", Duration::from_secs(1)).await;
    phone.says("terminated", Duration::from_secs(5)).await;
    let after = phone.packets();
    assert!(
        after.0 - before.0 > 400,
        "sound reached the phone: {} packets",
        after.0 - before.0
    );
    assert!(
        after.1 - before.1 > 400,
        "sound left the phone: {} packets",
        after.1 - before.1
    );
    worker.stop().await;
}
