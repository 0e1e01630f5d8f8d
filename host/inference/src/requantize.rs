//! Rewrites a GGUF file with Q8_0 weights.
//!
//! candle has SIMD kernels for Q8_0 and none for Q4_1, in which a small model decodes several times slower. Metadata,
//! tokenizer included, is kept. Everything is written in the order of its name, so the same input gives the same bytes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Seek, Write};
use std::path::Path;

use candle_core::Device;
use candle_core::quantized::gguf_file::{Content, Value, write};
use candle_core::quantized::{GgmlDType, QTensor};

use crate::backtrace;
use crate::gguf;
use rewarden_types::ModelError;

/// llama.cpp's number for "mostly Q8_0" in `general.file_type`.
const FILE_TYPE_Q8_0: u32 = 7;

/// Reads the GGUF file `from` and writes it to `to` with every matrix in Q8_0. Vectors (norms) stay as they are.
pub(crate) fn to_q8_0(from: &Path, to: &mut File) -> Result<(), ModelError> {
    let failed = |error: candle_core::Error| ModelError::Load {
        model: from.display().to_string(),
        message: format!("it cannot be re-quantised: {}", backtrace::cut(&error.to_string())),
    };
    gguf::check(from)
        .map_err(|error| ModelError::Load { model: from.display().to_string(), message: error.to_string() })?;
    let input = File::open(from).map_err(|source| ModelError::File {
        action: "reading",
        path: from.display().to_string(),
        source,
    })?;
    convert(&mut BufReader::new(input), &mut BufWriter::new(to)).map_err(failed)
}

fn convert<R: std::io::Read + Seek, W: Write + Seek>(input: &mut R, output: &mut W) -> candle_core::Result<()> {
    let content = Content::read(input)?;
    let mut metadata: BTreeMap<&str, &Value> = content.metadata.iter().map(|(k, v)| (k.as_str(), v)).collect();
    let file_type = Value::U32(FILE_TYPE_Q8_0);
    metadata.insert("general.file_type", &file_type);
    // candle's writer aligns to its default whatever the input said.
    metadata.remove("general.alignment");

    let mut tensors = BTreeMap::new();
    for name in content.tensor_infos.keys() {
        let tensor = content.tensor(input, name, &Device::Cpu)?;
        tensors.insert(name.as_str(), as_q8_0(tensor)?);
    }
    let metadata: Vec<_> = metadata.into_iter().collect();
    let tensors: Vec<_> = tensors.iter().map(|(name, tensor)| (*name, tensor)).collect();
    write(output, &metadata, &tensors)?;
    Ok(output.flush()?)
}

fn as_q8_0(tensor: QTensor) -> candle_core::Result<QTensor> {
    if tensor.rank() < 2 || tensor.dtype() == GgmlDType::Q8_0 {
        return Ok(tensor);
    }
    QTensor::quantize(&tensor.dequantize(&Device::Cpu)?, GgmlDType::Q8_0)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use candle_core::Tensor;

    use super::*;

    fn sample() -> Vec<u8> {
        let weights: Vec<f32> = (0..4 * 64).map(|i| (i as f32 * 0.37).sin()).collect();
        let matrix = Tensor::from_vec(weights, (4, 64), &Device::Cpu).unwrap();
        let norm = Tensor::from_vec(vec![0.5f32; 64], 64, &Device::Cpu).unwrap();
        let matrix = QTensor::quantize(&matrix, GgmlDType::Q4_1).unwrap();
        let norm = QTensor::quantize(&norm, GgmlDType::F32).unwrap();
        let (name, old_type) = (Value::String("llama".into()), Value::U32(3));
        let mut file = Cursor::new(Vec::new());
        write(
            &mut file,
            &[("general.file_type", &old_type), ("general.architecture", &name)],
            &[("b.weight", &matrix), ("a_norm.weight", &norm)],
        )
        .unwrap();
        file.into_inner()
    }

    fn converted(input: &[u8]) -> Vec<u8> {
        let mut output = Cursor::new(Vec::new());
        convert(&mut Cursor::new(input), &mut output).unwrap();
        output.into_inner()
    }

    #[test]
    fn matrices_become_q8_0_with_nearly_the_same_values_and_vectors_stay() {
        let (before, after) = (sample(), converted(&sample()));
        let tensor = |file: &[u8], name| {
            let mut file = Cursor::new(file.to_vec());
            Content::read(&mut file).unwrap().tensor(&mut file, name, &Device::Cpu).unwrap()
        };
        assert_eq!(tensor(&after, "b.weight").dtype(), GgmlDType::Q8_0);
        assert_eq!(tensor(&after, "a_norm.weight").dtype(), GgmlDType::F32);
        let values = |file: &[u8]| -> Vec<f32> {
            tensor(file, "b.weight").dequantize(&Device::Cpu).unwrap().flatten_all().unwrap().to_vec1().unwrap()
        };
        for (b, a) in values(&before).iter().zip(values(&after)) {
            assert!((b - a).abs() < 0.01, "{b} became {a}");
        }
    }

    #[test]
    fn metadata_is_kept_and_says_the_new_type() {
        let content = Content::read(&mut Cursor::new(converted(&sample()))).unwrap();
        assert_eq!(content.metadata["general.architecture"].to_string().unwrap(), "llama");
        assert_eq!(content.metadata["general.file_type"].to_u32().unwrap(), FILE_TYPE_Q8_0);
    }

    #[test]
    fn the_same_input_gives_the_same_bytes() {
        let input = sample();
        assert_eq!(converted(&input), converted(&input));
    }

    #[test]
    fn a_file_that_is_no_gguf_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.gguf");
        std::fs::write(&path, "not one").unwrap();
        let error = to_q8_0(&path, &mut tempfile::tempfile().unwrap()).unwrap_err().to_string();
        assert!(error.contains("x.gguf"), "{error}");
    }
}
