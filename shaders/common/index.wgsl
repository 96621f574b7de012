// Indices along the last axis of a grid. A long axis folds into the next dimension, so a kernel returns beyond the end.
// group_x is the workgroup's index on a grid of one axis, group_y on the second axis of two.
fn group_x(wid: vec3<u32>, groups: vec3<u32>) -> u32 { return wid.x + wid.y * groups.x; }
fn group_y(wid: vec3<u32>, groups: vec3<u32>) -> u32 { return wid.y + wid.z * groups.y; }

// thread_x is the thread's index on a grid of one axis, in workgroups of 64.
fn thread_x(wid: vec3<u32>, groups: vec3<u32>, lid: vec3<u32>) -> u32 { return group_x(wid, groups) * 64u + lid.x; }
