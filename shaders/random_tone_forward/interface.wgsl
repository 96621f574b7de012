// y = x + a number of the image, or the channel's mean plus the distance from it times the number; clipped to LOW and HIGH.
override N: u32;      // images
override PIXELS: u32; // of an image
override C: u32;      // channels
override STREAM: u32; // tells the layers of a network apart
@group(0) @binding(0) var<storage, read_write> y: array<f32>; // (N, PIXELS, C)
@group(0) @binding(1) var<storage, read> x: array<f32>; // (N, PIXELS, C)
@group(0) @binding(2) var<storage, read> mean: array<f32>; // (N, C)
// batch N
// grid COUNT = N * PIXELS * C
// uses feed, random, tone
// case N=1,PIXELS=1,C=1,STREAM=0,LEAST=0.5,SPAN=0.25,LOW=-1,HIGH=1
// case N=7,PIXELS=35,C=3,STREAM=1,LEAST=-0.25,SPAN=0.5,LOW=0,HIGH=1
// case N=5,PIXELS=12,C=2,STREAM=2,LEAST=0.5,SPAN=1,LOW=0.125,HIGH=1,CONTRAST=1
// case N=4,PIXELS=30,C=1,STREAM=3,LEAST=0,SPAN=2,LOW=-3e38,HIGH=3e38,CONTRAST=1
// case N=1,PIXELS=4101,C=1,STREAM=4,LEAST=-0.5,SPAN=1,LOW=-1,HIGH=0.75
// case N=1,PIXELS=2,C=4101,STREAM=5,LEAST=0.75,SPAN=0.5,LOW=-1,HIGH=0.75,CONTRAST=1
// case N=4101,PIXELS=1,C=2,STREAM=6,LEAST=0.25,SPAN=0.5,LOW=-1,HIGH=0.875,CONTRAST=1
