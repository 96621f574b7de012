//! Import and export of ONNX files, compared with the original networks and ONNX Runtime's outputs.

mod onnx;
mod onnx_import;
