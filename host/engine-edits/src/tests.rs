//! What the edits promise, as far as a CPU can show it. The crates that it runs with are the edited ones when
//! `cargo xtask test` builds it.

use candle_core::quantized::{GgmlDType, QMatMul, QTensor};
use candle_core::{D, DType, Device, IndexOp, Module, Tensor};
use candle_nn::rotary_emb;

use crate::tensors::{rotary_rows, rows_on_host};

fn bits(tensor: &Tensor) -> Vec<u32> {
    let values = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    values.into_iter().map(f32::to_bits).collect()
}

fn random(shape: &[usize]) -> Tensor {
    Tensor::randn(0f32, 1f32, shape, &Device::Cpu).unwrap()
}

#[test]
fn sequences_at_unlike_places_are_rotated_as_each_alone() {
    let (heads, length, half) = (6, 3, 8);
    let (cos, sin) = (random(&[100, half]), random(&[100, half]));
    for offsets in [vec![4], vec![7, 7, 7], vec![0, 41, 7, 97], vec![41, 0, 7, 97]] {
        let x = random(&[offsets.len(), heads, length, 2 * half]);
        // Twice: the second time it comes from what is kept.
        for _ in 0..2 {
            let (rows_cos, rows_sin) = rotary_rows(&cos, &sin, &offsets, length).unwrap();
            let together = rotary_emb::rope(&x, &rows_cos, &rows_sin).unwrap();
            for (sequence, &offset) in offsets.iter().enumerate() {
                let of_it = |table: &Tensor| table.narrow(0, offset, length).unwrap();
                let alone = x.narrow(0, sequence, 1).unwrap().contiguous().unwrap();
                let alone = rotary_emb::rope(&alone, &of_it(&cos), &of_it(&sin)).unwrap();
                assert_eq!(bits(&alone), bits(&together.narrow(0, sequence, 1).unwrap()), "{offsets:?}, {sequence}");
            }
        }
    }
}

#[test]
fn tables_of_other_layers_are_not_mistaken_for_each_other() {
    let tables: Vec<Tensor> = (0..6).map(|_| random(&[20, 4])).collect();
    for _ in 0..2 {
        for table in &tables {
            let (rows, _) = rotary_rows(table, table, &[3, 9], 1).unwrap();
            assert_eq!(bits(&rows.i(1).unwrap()), bits(&table.narrow(0, 9, 1).unwrap()));
        }
    }
    assert!(rotary_rows(&tables[0], &tables[0], &[3, 20], 1).is_err(), "beyond the table");
}

#[test]
fn the_logits_of_each_sequence_are_its_own_and_empty_rows_are_left_out() {
    let logits = random(&[9, 1, 50]);
    for (given, expected) in [(logits.clone(), logits.clone()), {
        let short = logits.to_dtype(DType::BF16).unwrap();
        (short.clone(), short.to_dtype(DType::F32).unwrap())
    }] {
        for sequences in [1, 4, 9] {
            let rows = rows_on_host(&given, sequences).unwrap();
            assert_eq!(rows.len(), sequences);
            for (row, logits) in rows.iter().enumerate() {
                assert_eq!((logits.dims(), logits.dtype()), (&[1, 50][..], DType::F32));
                assert_eq!(bits(logits), bits(&expected.i(row).unwrap()));
            }
        }
    }
}

#[test]
fn a_product_of_many_rows_is_bit_for_bit_that_of_each_row() {
    // Widths that are and are not whole blocks of columns.
    for (columns, format) in [(48, GgmlDType::Q8_0), (50, GgmlDType::Q4K), (7, GgmlDType::Q6K)] {
        let weights = QTensor::quantize(&random(&[columns, 512]), format).unwrap();
        let weights = QMatMul::from_qtensor(weights).unwrap();
        let input = random(&[37, 512]);
        let together = weights.forward(&input).unwrap();
        assert_eq!(together.dim(D::Minus1).unwrap(), columns);
        for row in 0..37 {
            let alone = weights.forward(&input.narrow(0, row, 1).unwrap()).unwrap();
            assert_eq!(bits(&alone), bits(&together.narrow(0, row, 1).unwrap()), "{format:?}, row {row}");
        }
    }
}
