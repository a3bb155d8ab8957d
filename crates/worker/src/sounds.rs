//! Scripts' WAV files, read once.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use hark_sound::wav::{self, WavFileError};

/// Why a script's sound cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum SoundError {
    /// A name that leads out of the folder.
    #[error("the sound {name:?} is not a file name inside {folder}; use a name like \"hello.wav\"", folder = folder.display())]
    Outside {
        /// What the script says.
        name: String,
        /// The folder.
        folder: PathBuf,
    },
    /// Unreadable, or no WAV.
    #[error(transparent)]
    Wav(#[from] WavFileError),
}

/// The sound folder.
#[derive(Debug)]
pub struct Sounds {
    folder: PathBuf,
    read: Mutex<HashMap<String, Arc<[i16]>>>,
}

impl Sounds {
    /// Sounds below `folder`.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            read: Mutex::new(HashMap::new()),
        }
    }

    /// The sound `name`, 8 kHz.
    ///
    /// # Errors
    /// [`SoundError`] if the name leaves the folder, or the file is unreadable or no WAV.
    pub fn load(&self, name: &str) -> Result<Arc<[i16]>, SoundError> {
        if let Some(sound) = self.read().get(name) {
            return Ok(Arc::clone(sound));
        }
        let inside = Path::new(name)
            .components()
            .all(|c| matches!(c, Component::Normal(_)));
        if name.is_empty() || !inside {
            return Err(SoundError::Outside {
                name: name.to_owned(),
                folder: self.folder.clone(),
            });
        }
        let sound: Arc<[i16]> = wav::read(self.folder.join(name))?.into();
        self.read().insert(name.to_owned(), Arc::clone(&sound));
        Ok(sound)
    }

    fn read(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<[i16]>>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
