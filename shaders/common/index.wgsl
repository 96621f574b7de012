// Index along the last axis of a grid, which folds into the next dimension where it is long: return beyond the end.
// Of a workgroup on a grid of one axis, and on the second axis of two.
fn group_x(wid: vec3<u32>, groups: vec3<u32>) -> u32 { return wid.x + wid.y * groups.x; }
fn group_y(wid: vec3<u32>, groups: vec3<u32>) -> u32 { return wid.y + wid.z * groups.y; }

// Of a thread on a grid of one axis, in workgroups of 64.
fn thread_x(wid: vec3<u32>, groups: vec3<u32>, lid: vec3<u32>) -> u32 { return group_x(wid, groups) * 64u + lid.x; }
