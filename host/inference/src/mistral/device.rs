//! Which device a model runs on.

use std::fmt;
use std::str::FromStr;

use candle_core::Device;

use crate::backtrace;
use rewarden_types::ModelError;

/// A device, or the wish for the best there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// CUDA, else Metal, else the CPU, of those compiled in.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The NVIDIA GPU with this number.
    Cuda(usize),
    /// The Apple GPU with this number.
    Metal(usize),
}

impl FromStr for DeviceChoice {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        let (name, number) = match text.split_once(':') {
            Some((name, number)) => (name, number.parse().ok()),
            None => (text, Some(0)),
        };
        match (name, number) {
            ("auto", Some(0)) if text == name => Ok(DeviceChoice::Auto),
            ("cpu", Some(0)) if text == name => Ok(DeviceChoice::Cpu),
            ("cuda", Some(number)) => Ok(DeviceChoice::Cuda(number)),
            ("metal", Some(number)) => Ok(DeviceChoice::Metal(number)),
            _ => Err(ModelError::InvalidOption {
                option: "device",
                found: format!("`{text}`"),
                expected: "auto, cpu, cuda, cuda:N, metal or metal:N, with N counting from 0".into(),
            }),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceChoice::Auto => f.write_str("auto"),
            DeviceChoice::Cpu => f.write_str("cpu"),
            DeviceChoice::Cuda(number) => write!(f, "cuda:{number}"),
            DeviceChoice::Metal(number) => write!(f, "metal:{number}"),
        }
    }
}

impl DeviceChoice {
    /// Opens the device. Never `Auto` in the result.
    pub(crate) fn open(self) -> Result<(DeviceChoice, Device), ModelError> {
        match self {
            DeviceChoice::Cpu => Ok((self, Device::Cpu)),
            DeviceChoice::Cuda(number) => {
                self.needs(cfg!(feature = "cuda"), "cuda")?;
                Ok((self, Device::new_cuda(number).map_err(|error| self.broken(&error))?))
            }
            DeviceChoice::Metal(number) => {
                self.needs(cfg!(feature = "metal"), "metal")?;
                Ok((self, Device::new_metal(number).map_err(|error| self.broken(&error))?))
            }
            DeviceChoice::Auto => {
                let compiled = [
                    (cfg!(feature = "cuda"), DeviceChoice::Cuda(0)),
                    (cfg!(feature = "metal"), DeviceChoice::Metal(0)),
                ];
                for (_, gpu) in compiled.into_iter().filter(|(compiled, _)| *compiled) {
                    match gpu.open() {
                        Ok(opened) => return Ok(opened),
                        Err(error) => tracing::warn!("{error}; using the next best device"),
                    }
                }
                Ok((DeviceChoice::Cpu, Device::Cpu))
            }
        }
    }

    fn needs(self, compiled: bool, feature: &str) -> Result<(), ModelError> {
        if compiled {
            return Ok(());
        }
        Err(ModelError::Device {
            device: self.to_string(),
            message: format!("this build has no support for it; build with `--features {feature}`, or use `cpu`"),
        })
    }

    fn broken(self, error: &candle_core::Error) -> ModelError {
        ModelError::Device { device: self.to_string(), message: backtrace::cut(&error.to_string()) }
    }
}

/// Refuses a GPU beside which mistral.rs would panic for lack of a program.
pub(crate) fn check_tools(choice: DeviceChoice, device: &Device) -> Result<(), ModelError> {
    if device.is_cuda() && !on_path(NVIDIA_SMI, &std::env::var_os("PATH").unwrap_or_default()) {
        return Err(ModelError::Device {
            device: choice.to_string(),
            message: format!(
                "mistral.rs asks `{NVIDIA_SMI}` what the GPU can do, and there is none on PATH; it belongs to the \
                 driver: add its directory, or, in a container, let it in (NVIDIA_DRIVER_CAPABILITIES=compute,utility)"
            ),
        });
    }
    Ok(())
}

const NVIDIA_SMI: &str = "nvidia-smi";

fn on_path(program: &str, path: &std::ffi::OsStr) -> bool {
    std::env::split_paths(path).any(|directory| directory.join(program).is_file())
}

/// An error of loading, with what to do where the GPU's memory does not suffice, or the model is a reward model by its
/// name on the hub.
pub(crate) fn explained(message: &str) -> String {
    let lower = message.to_lowercase();
    let of_memory = ["out of memory", "out_of_memory", "num gpu blocks is 0", "not enough memory"];
    if lower.contains("forsequenceclassification") {
        return format!("{message}; a reward model runs from its directory: download it, and name that");
    }
    match of_memory.iter().any(|sign| lower.contains(sign)) {
        true => format!(
            "{message}; the GPU's memory has no room for these weights and for keys and values beside them: free it from \
             other programs (`{NVIDIA_SMI}` lists them), take a smaller or quantised model, or a server (--endpoint)"
        ),
        false => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        for (text, choice) in [
            ("auto", DeviceChoice::Auto),
            ("cpu", DeviceChoice::Cpu),
            ("cuda:1", DeviceChoice::Cuda(1)),
            ("metal:0", DeviceChoice::Metal(0)),
        ] {
            assert_eq!(text.parse::<DeviceChoice>().unwrap(), choice);
            assert_eq!(choice.to_string(), text);
        }
        assert_eq!("cuda".parse::<DeviceChoice>().unwrap(), DeviceChoice::Cuda(0));
        for wrong in ["", "gpu", "cpu:1", "cpu:0", "cuda:", "cuda:x", "CUDA", "auto:0"] {
            assert!(wrong.parse::<DeviceChoice>().unwrap_err().to_string().contains("cuda:N"), "{wrong}");
        }
    }

    #[test]
    fn a_program_that_is_missing_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!on_path("program", dir.path().as_os_str()));
        std::fs::write(dir.path().join("program"), "").unwrap();
        assert!(on_path("program", dir.path().as_os_str()));
    }

    #[test]
    fn too_little_memory_is_told_with_what_to_do() {
        for message in ["DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")", "Num GPU blocks is 0. This means"] {
            let explained = explained(message);
            assert!(explained.starts_with(message) && explained.contains("quantised"), "{explained}");
        }
        assert_eq!(explained("no such tensor"), "no such tensor");
        let of_the_hub = explained("Unknown Hugging Face model class `Qwen3ForSequenceClassification`");
        assert!(of_the_hub.ends_with("download it, and name that"), "{of_the_hub}");
    }

    #[test]
    #[cfg(not(feature = "cuda"))]
    fn a_gpu_that_was_not_compiled_in_is_an_error_with_the_feature_to_build_with() {
        let error = DeviceChoice::Cuda(0).open().unwrap_err().to_string();
        assert!(error.contains("cuda:0") && error.contains("--features cuda"), "{error}");
    }

    #[test]
    #[cfg(not(any(feature = "cuda", feature = "metal")))]
    fn without_gpus_the_automatic_choice_is_the_cpu() {
        assert_eq!(DeviceChoice::Auto.open().unwrap().0, DeviceChoice::Cpu);
    }
}
