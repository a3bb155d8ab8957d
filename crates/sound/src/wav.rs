//! WAV files: any rate, any number of channels, 8/16/24/32-bit integers or 32-bit floats in; 8 kHz mono 16-bit out.
//!
//! Channels are averaged. Sound is converted while it is read, so a long recording at a high rate needs no more memory
//! than its 8 kHz copy. Whatever is wrong with a file is said with its name, and with what to do about it.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};

use hound::{SampleFormat, WavReader, WavSpec, WavWriter};

use crate::SAMPLE_RATE;
use crate::resample::{BadRate, Resampler};

/// The longest sound read: longer files are no calls.
pub const LONGEST_S: u32 = 3_600;

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct WavFileError {
    /// Which file.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub problem: WavError,
}

/// What is wrong with a WAV.
#[derive(Debug, thiserror::Error)]
pub enum WavError {
    /// The file itself cannot be reached.
    #[error("cannot be opened: {0}. Check the path and its permissions")]
    Unreachable(io::Error),
    /// No WAV at all, or its header is damaged.
    #[error("is no WAV file ({0}). Convert it first, for example: sox INPUT -b 16 OUTPUT.wav")]
    NotWav(String),
    /// A WAV, but compressed or of an unusual width.
    #[error(
        "holds {0}, which is not read. Convert it to 16-bit PCM, for example: sox INPUT -e signed -b 16 OUTPUT.wav"
    )]
    Unsupported(String),
    /// The header promises more sound than there is.
    #[error(
        "is truncated: the header promises {promised} samples, the file ends after {found}. Copy or export it again"
    )]
    Truncated {
        /// Samples the header promises.
        promised: u32,
        /// Samples there are.
        found: u32,
    },
    /// No sample at all.
    #[error("holds no sound. Check how it was recorded")]
    Empty,
    /// More than an hour.
    #[error("is {seconds} s long; at most {LONGEST_S} s are read. Cut it first")]
    TooLong {
        /// How long it is.
        seconds: u64,
    },
    /// A rate no sound is recorded at.
    #[error("{0}. Check how it was recorded")]
    Rate(#[from] BadRate),
    /// Writing failed.
    #[error("cannot be written: {0}. Check the folder, its permissions and the space left")]
    Unwritable(io::Error),
}

/// Reads a file as 8 kHz mono.
///
/// # Errors
/// [`WavFileError`]: the file, what is wrong, and how to mend it.
pub fn read(path: impl AsRef<Path>) -> Result<Vec<i16>, WavFileError> {
    let path = path.as_ref();
    File::open(path)
        .map_err(WavError::Unreachable)
        .and_then(|file| decode(BufReader::new(file)))
        .map_err(|problem| WavFileError {
            path: path.to_owned(),
            problem,
        })
}

/// Reads a WAV from anywhere as 8 kHz mono.
///
/// # Errors
/// [`WavError`]: what is wrong, and how to mend it.
pub fn decode(source: impl Read) -> Result<Vec<i16>, WavError> {
    let reader = WavReader::new(source).map_err(header_error)?;
    let spec = reader.spec();
    let promised = reader.len();
    let resampler = Resampler::new(spec.sample_rate)?;
    let seconds = u64::from(reader.duration()) / u64::from(spec.sample_rate);
    if seconds > u64::from(LONGEST_S) {
        return Err(WavError::TooLong { seconds });
    }
    match (spec.sample_format, spec.bits_per_sample) {
        (SampleFormat::Int, bits @ (8 | 16 | 24 | 32)) => {
            let scale = 1.0 / (1u64 << (bits - 1)) as f32;
            mix(
                reader.into_samples::<i32>().map(|s| s.map(|s| s as f32 * scale)),
                spec,
                promised,
                resampler,
            )
        }
        (SampleFormat::Float, 32) => mix(reader.into_samples::<f32>(), spec, promised, resampler),
        (format, bits) => Err(WavError::Unsupported(format!("{bits}-bit {format:?} samples"))),
    }
}

/// Writes 8 kHz mono 16-bit.
///
/// # Errors
/// [`WavFileError`]: the file and what stands in the way.
pub fn write(path: impl AsRef<Path>, samples: &[i16]) -> Result<(), WavFileError> {
    let path = path.as_ref();
    File::create(path)
        .map_err(WavError::Unwritable)
        .and_then(|file| encode(io::BufWriter::new(file), samples))
        .map_err(|problem| WavFileError {
            path: path.to_owned(),
            problem,
        })
}

/// Writes 8 kHz mono 16-bit to anywhere.
///
/// # Errors
/// [`WavError::Unwritable`].
pub fn encode(target: impl Write + Seek, samples: &[i16]) -> Result<(), WavError> {
    let spec = WavSpec {
        channels: 1,
        sample_rate: SAMPLE_RATE,
        bits_per_sample: 16,
        sample_format: SampleFormat::Int,
    };
    let written = || -> Result<(), hound::Error> {
        let mut writer = WavWriter::new(target, spec)?;
        for &sample in samples {
            writer.write_sample(sample)?;
        }
        writer.finalize()
    };
    written().map_err(|error| match error {
        hound::Error::IoError(error) => WavError::Unwritable(error),
        other => WavError::Unwritable(io::Error::other(other.to_string())),
    })
}

fn header_error(error: hound::Error) -> WavError {
    match error {
        hound::Error::FormatError(what) => WavError::NotWav(what.to_owned()),
        hound::Error::Unsupported => WavError::Unsupported("compressed or unusual samples".to_owned()),
        other => WavError::NotWav(other.to_string()),
    }
}

fn mix(
    mut samples: impl Iterator<Item = hound::Result<f32>>,
    spec: WavSpec,
    promised: u32,
    mut resampler: Resampler,
) -> Result<Vec<i16>, WavError> {
    let channels = usize::from(spec.channels);
    let mut out = Vec::new();
    let mut block = Vec::with_capacity(4_096);
    let mut found = 0;
    'sound: loop {
        block.clear();
        while block.len() < block.capacity() {
            let mut sum = 0.0;
            for _ in 0..channels {
                match samples.next() {
                    Some(Ok(sample)) => sum += sample,
                    Some(Err(_)) => return Err(WavError::Truncated { promised, found }),
                    None => break 'sound,
                }
                found += 1;
            }
            block.push(sum / channels as f32);
        }
        resampler.push(&block, &mut out);
    }
    resampler.push(&block, &mut out);
    resampler.finish(&mut out);
    if out.is_empty() {
        Err(WavError::Empty)
    } else {
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;
    use crate::tone::{ToneSpec, Tones, dbm0_of_samples};

    fn tone() -> Vec<i16> {
        Tones::cadence(&ToneSpec::new(vec![1000.0], -10.0), &[]).take_ms(500)
    }

    fn wav_of<S: hound::Sample + Copy>(spec: WavSpec, samples: &[S]) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = WavWriter::new(&mut bytes, spec).expect("memory");
        for &s in samples {
            writer.write_sample(s).expect("memory");
        }
        writer.finalize().expect("memory");
        bytes.into_inner()
    }

    fn spec(channels: u16, sample_rate: u32, bits_per_sample: u16, sample_format: SampleFormat) -> WavSpec {
        WavSpec {
            channels,
            sample_rate,
            bits_per_sample,
            sample_format,
        }
    }

    #[test]
    fn what_is_written_is_read_back_sample_by_sample() {
        let mut bytes = Cursor::new(Vec::new());
        encode(&mut bytes, &tone()).expect("memory");
        assert_eq!(decode(Cursor::new(bytes.into_inner())).expect("our own"), tone());
    }

    #[test]
    fn every_width_reads_as_the_same_sound() {
        let tone = tone();
        let eight: Vec<i32> = tone.iter().map(|&s| i32::from(s) >> 8).collect();
        let sixteen: Vec<i32> = tone.iter().map(|&s| i32::from(s)).collect();
        let twenty_four: Vec<i32> = tone.iter().map(|&s| i32::from(s) << 8).collect();
        let thirty_two: Vec<i32> = tone.iter().map(|&s| i32::from(s) << 16).collect();
        let float: Vec<f32> = tone.iter().map(|&s| f32::from(s) / 32768.0).collect();
        for bytes in [
            wav_of(spec(1, 8000, 16, SampleFormat::Int), &sixteen),
            wav_of(spec(1, 8000, 24, SampleFormat::Int), &twenty_four),
            wav_of(spec(1, 8000, 32, SampleFormat::Int), &thirty_two),
            wav_of(spec(1, 8000, 32, SampleFormat::Float), &float),
        ] {
            assert_eq!(decode(Cursor::new(bytes)).expect("valid"), tone);
        }
        let coarse = decode(Cursor::new(wav_of(spec(1, 8000, 8, SampleFormat::Int), &eight))).expect("valid");
        assert!((dbm0_of_samples(&coarse) + 10.0).abs() < 0.3);
    }

    #[test]
    fn channels_are_averaged_and_rates_converted() {
        let stereo: Vec<i16> = (0..48_000)
            .flat_map(|i| [if i % 48 < 24 { 8000 } else { -8000 }, 0])
            .collect();
        let out = decode(Cursor::new(wav_of(
            spec(2, 48_000, 16, SampleFormat::Int),
            &stereo,
        )))
        .expect("valid");
        assert_eq!(out.len(), 8_000);
        let peak = out.iter().map(|s| s.abs()).max().unwrap_or(0);
        // A 1 kHz square wave of 4000 has a fundamental of 5093 and a third harmonic of 1698 within 4 kHz.
        assert!((3_500..5_500).contains(&peak), "{peak}");
    }

    #[test]
    fn a_truncated_file_says_so() {
        let mut bytes = wav_of(spec(1, 8000, 16, SampleFormat::Int), &tone());
        bytes.truncate(2_044);
        let error = decode(Cursor::new(bytes)).expect_err("half is missing");
        assert_eq!(
            error.to_string(),
            "is truncated: the header promises 4000 samples, the file ends after 1000. Copy or export it again"
        );
    }

    #[test]
    fn no_wav_no_sound_and_no_file_are_told_apart() {
        let not_wav = decode(Cursor::new(
            b"ID3 this is an mp3, really....................".to_vec(),
        ));
        assert!(matches!(not_wav, Err(WavError::NotWav(_))), "{not_wav:?}");
        let empty = decode(Cursor::new(wav_of::<i16>(
            spec(1, 8000, 16, SampleFormat::Int),
            &[],
        )));
        assert!(matches!(empty, Err(WavError::Empty)), "{empty:?}");
        let missing = read("/no/such/file.wav")
            .expect_err("it is not there")
            .to_string();
        assert!(
            missing.starts_with("/no/such/file.wav: cannot be opened"),
            "{missing}"
        );
    }

    #[test]
    fn a_file_of_more_than_an_hour_is_refused_before_it_is_read() {
        let mut bytes = wav_of(spec(1, 1_000, 16, SampleFormat::Int), &tone());
        let long: u32 = 2 * 1_000 * 4_000;
        bytes[40..44].copy_from_slice(&long.to_le_bytes());
        assert!(matches!(
            decode(Cursor::new(bytes)),
            Err(WavError::TooLong { seconds: 4_000 })
        ));
    }

    #[test]
    fn a_file_is_written_and_read_by_name() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("tone.wav");
        write(&path, &tone()).expect("writable");
        assert_eq!(read(&path).expect("readable"), tone());
        let nowhere = write(folder.path().join("no/such/folder.wav"), &tone()).expect_err("no folder");
        assert!(nowhere.to_string().contains("cannot be written"), "{nowhere}");
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = decode(Cursor::new(bytes));
        }

        #[test]
        fn no_damaged_header_makes_the_reader_panic(at in 0usize..60, byte in any::<u8>(), at2 in 0usize..60, byte2 in any::<u8>(), cut in 0usize..400) {
            let mut bytes = wav_of(spec(2, 44_100, 24, SampleFormat::Int), &[1i32; 60]);
            bytes[at] = byte;
            bytes[at2] = byte2;
            bytes.truncate(cut.max(8));
            let _ = decode(Cursor::new(bytes));
        }
    }
}
