//! From run-time dtype and α to the code that is compiled for them.

/// Runs `$body` with `$element` as the element type of a float dtype.
macro_rules! with_element {
    ($dtype:expr, $element:ident => $body:expr) => {
        match $dtype {
            burn_core::tensor::DType::F64 => {
                type $element = f64;
                $body
            }
            burn_core::tensor::DType::F32 | burn_core::tensor::DType::Flex32 => {
                type $element = f32;
                $body
            }
            burn_core::tensor::DType::F16 => {
                type $element = half::f16;
                $body
            }
            burn_core::tensor::DType::BF16 => {
                type $element = half::bf16;
                $body
            }
            other => panic!("sparse-ops: expected f16, bf16, f32 or f64 tensors, got {other:?}"),
        }
    };
}

/// Runs `$body` with `$mappings` as the fastest for `$alpha`.
macro_rules! with_mappings {
    ($alpha:expr, $mappings:ident => $body:expr) => {
        if $alpha == 2.0 {
            let $mappings = $crate::host::mapping::Sparsemax;
            $body
        } else if $alpha == 1.5 {
            let $mappings = $crate::host::mapping::Entmax15;
            $body
        } else {
            let $mappings = $crate::host::entmax::Alpha($alpha);
            $body
        }
    };
}
