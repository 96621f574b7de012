//! Networks from ONNX files and to them, beside the networks that they came from and ONNX Runtime's outputs.

mod onnx;
mod onnx_import;
