//! A dispatch: workgroups one after the other, and their invocations from barrier to barrier.

use super::{
    Buffers, Kernel, Limits, Outputs, REACH, Refusal,
    code::{Cell, Routine},
    compile::{Compiler, Lines},
    doubts::Doubts,
    layout::Layout,
    machine::{Invocation, Machine, Pause},
    memory::{Memory, Object},
};
use naga::{
    AddressSpace, Binding, BuiltIn, EntryPoint, GlobalVariable, Handle, Module, ShaderStage, StorageAccess,
    TypeInner,
};
use std::collections::BTreeMap;

/// Runs a kernel on `groups` workgroups. `buffers` holds every buffer that it uses, those that it only writes too; they
/// stay as they are.
///
/// # Errors
/// A [`Refusal`] says what the kernel does that is not interpreted, or that makes it no reference, and in which line.
pub fn run(
    kernel: &Kernel<'_>,
    groups: [u32; 3],
    buffers: &Buffers,
    limits: &Limits,
) -> Result<Outputs, Refusal> {
    let Kernel { module, info, entry: name, text } = *kernel;
    let found = module.entry_points.iter().position(|entry| entry.name == name);
    let Some((number, entry)) = found.and_then(|n| Some((n, module.entry_points.get(n)?))) else {
        return Err(Refusal::new(format!("there is no entry point `{name}`")));
    };
    if entry.stage != ShaderStage::Compute {
        return Err(Refusal::new(format!("`{name}` is not @compute; only compute kernels are interpreted")));
    }
    if entry.workgroup_size_overrides.is_some_and(|sizes| sizes.iter().any(Option::is_some)) {
        return Err(Refusal::new("its overrides have no values yet"));
    }
    let layout = Layout { module };
    let mut compiler = Compiler {
        module,
        info,
        lines: Lines::of(text),
        layout,
        objects: BTreeMap::new(),
        private: BTreeMap::new(),
        routines: Vec::new(),
        known: BTreeMap::new(),
        barriers: false,
    };
    let usage = info.get_entry_point(number);
    let used = |handle: Handle<GlobalVariable>| !usage[handle].is_empty();
    let Variables { objects, bindings, private } = variables(&mut compiler, used, buffers, limits)?;
    let main = compiler.function(&entry.function, usage)?;
    let arguments = builtins(layout, entry)?;
    let Compiler { routines, barriers, .. } = compiler;

    let size = entry.workgroup_size;
    let count = size.iter().fold(1, |count: u64, n| count.saturating_mul(u64::from(*n)));
    check(count, 1 << 20, "invocations a workgroup")?;
    if groups.contains(&0) {
        return Ok(Outputs::new());
    }
    let depth = routines.get(main as usize).map_or(0, |routine| routine.depth);
    // Without barriers one invocation ends before the next begins.
    let lanes = if barriers { count } else { 1 };
    let cells = lanes.saturating_mul((depth + private.len()) as u64);
    if cells > limits.cells {
        return Err(Refusal::new(format!(
            "the {count} invocations of a workgroup take {cells} numbers, {} are allowed; choose a smaller workgroup",
            limits.cells
        )));
    }
    let lanes = (0..lanes).map(|_| Invocation::new(depth, &private)).collect();
    let machine = Machine {
        routines: &routines,
        memory: Memory::new(objects),
        doubts: Doubts::default(),
        left: limits.operations,
        most: limits.operations,
    };
    let mut dispatch = Dispatch { machine, lanes, main, private, arguments, size, groups };
    let mut number = 0;
    for z in 0..groups[2] {
        for y in 0..groups[1] {
            for x in 0..groups[0] {
                let cleared = dispatch.machine.memory.begin(number);
                dispatch.machine.spend(cleared / 16).map_err(Refusal::new)?;
                dispatch.workgroup([x, y, z], count, barriers)?;
                number = number.wrapping_add(1);
            }
        }
    }
    let objects = dispatch.machine.memory.objects;
    Ok(bindings
        .into_iter()
        .filter_map(|(binding, object)| Some((binding, objects.get(object as usize)?.written()?)))
        .collect())
}

/// The variables of a module.
struct Variables {
    objects: Vec<Object>,
    /// Which object a buffer is.
    bindings: BTreeMap<(u32, u32), u32>,
    /// What the variables `var<private>` begin with.
    private: Vec<Cell>,
}

fn variables(
    compiler: &mut Compiler<'_>,
    used: impl Fn(Handle<GlobalVariable>) -> bool,
    buffers: &Buffers,
    limits: &Limits,
) -> Result<Variables, Refusal> {
    let Compiler { module, layout, .. } = *compiler;
    let mut all = Variables { objects: Vec::new(), bindings: BTreeMap::new(), private: Vec::new() };
    let (mut words, mut cells) = (0u64, 0u64);
    let name = |global: &GlobalVariable| global.name.clone().unwrap_or_default();
    for (handle, global) in module.global_variables.iter().filter(|(handle, _)| used(*handle)) {
        let inner = layout.inner(global.ty);
        match (global.space, &global.binding) {
            (AddressSpace::Private, _) => {
                compiler.private.insert(handle, all.private.len() as u32);
                let first = match global.init {
                    Some(init) => compiler.global_constant(init)?,
                    None => layout.zeros(inner)?,
                };
                all.private.extend(first);
            }
            (AddressSpace::WorkGroup, _) => {
                let zeros = layout.zeros(inner)?;
                cells += zeros.len() as u64;
                compiler.objects.insert(handle, all.objects.len() as u32);
                all.objects.push(Object::shared(name(global), zeros));
            }
            (AddressSpace::Storage { .. } | AddressSpace::Uniform, Some(at)) => {
                let key = (at.group, at.binding);
                let least = layout.least_words(inner)?;
                let Some(content) = buffers.get(&key) else {
                    let [group, binding] = [at.group, at.binding];
                    let name = name(global);
                    return Err(Refusal::new(format!(
                        "the buffer `{name}` (@group({group}) @binding({binding})) is not given"
                    )));
                };
                if (content.len() as u64) < u64::from(least) {
                    let (name, len) = (name(global), content.len());
                    return Err(Refusal::new(format!(
                        "the buffer `{name}` has {len} words, its type {least} at least"
                    )));
                }
                if let Some(object) = all.bindings.get(&key) {
                    // Another view of the same buffer.
                    compiler.objects.insert(handle, *object);
                    continue;
                }
                let written = is_written(module, key, &used);
                words += content.len() as u64;
                cells += if written { content.len() as u64 } else { 0 };
                check(words, limits.words.min(1 << 30), "words")?;
                check(cells, limits.cells, "numbers that are written")?;
                all.bindings.insert(key, all.objects.len() as u32);
                compiler.objects.insert(handle, all.objects.len() as u32);
                all.objects.push(Object::buffer(name(global), content, written));
            }
            _ => {}
        }
        check(cells + all.private.len() as u64, limits.cells, "numbers")?;
    }
    Ok(all)
}

fn check(count: u64, most: u64, of: &str) -> Result<(), Refusal> {
    match count > most {
        true => Err(Refusal::new(format!(
            "it has {count} {of} or more, {most} are allowed; choose smaller sizes"
        ))),
        false => Ok(()),
    }
}

/// Whether one of the views of a buffer may be written.
fn is_written(module: &Module, key: (u32, u32), used: impl Fn(Handle<GlobalVariable>) -> bool) -> bool {
    module.global_variables.iter().any(|(handle, global)| {
        let here = global.binding.as_ref().is_some_and(|at| (at.group, at.binding) == key);
        let stores = match global.space {
            AddressSpace::Storage { access } => access.contains(StorageAccess::STORE),
            _ => false,
        };
        here && stores && used(handle)
    })
}

/// Which cells of the entry point's arguments hold which builtin, and which component of it.
fn builtins(layout: Layout<'_>, entry: &EntryPoint) -> Result<Vec<(u32, BuiltIn, usize)>, Refusal> {
    let (mut all, mut at) = (Vec::new(), 0);
    let mut add = |binding: &Option<Binding>, inner: &TypeInner| {
        let cells = layout.cells(inner)?;
        match binding {
            Some(Binding::BuiltIn(builtin)) => {
                if value(*builtin, &Place::default()).is_none() {
                    return Err(Refusal::new(format!(
                        "the builtin {builtin:?} is not interpreted: how wide a subgroup is, the device says"
                    )));
                }
                all.extend((0..cells).map(|n| (at + n, *builtin, n as usize)));
            }
            _ => {
                return Err(Refusal::new(
                    "an argument of the entry point that is no builtin is not interpreted",
                ));
            }
        }
        at += cells;
        Ok(())
    };
    for argument in &entry.function.arguments {
        match layout.inner(argument.ty) {
            TypeInner::Struct { members, .. } => {
                members.iter().try_for_each(|member| add(&member.binding, layout.inner(member.ty)))?;
            }
            inner => add(&argument.binding, inner)?,
        }
    }
    Ok(all)
}

/// Where an invocation is.
#[derive(Default)]
struct Place {
    group: [u32; 3],
    groups: [u32; 3],
    local: [u32; 3],
    size: [u32; 3],
    index: u32,
}

/// A builtin of an invocation: of a scalar the first component.
fn value(builtin: BuiltIn, place: &Place) -> Option<[u32; 3]> {
    let global = |n: usize| place.group[n].wrapping_mul(place.size[n]).wrapping_add(place.local[n]);
    Some(match builtin {
        BuiltIn::GlobalInvocationId => [global(0), global(1), global(2)],
        BuiltIn::LocalInvocationId => place.local,
        BuiltIn::LocalInvocationIndex => [place.index, 0, 0],
        BuiltIn::WorkGroupId => place.group,
        BuiltIn::WorkGroupSize => place.size,
        BuiltIn::NumWorkGroups => place.groups,
        _ => return None,
    })
}

/// A kernel on its way over the grid.
struct Dispatch<'a> {
    machine: Machine<'a>,
    lanes: Vec<Invocation>,
    main: u32,
    private: Vec<Cell>,
    arguments: Vec<(u32, BuiltIn, usize)>,
    size: [u32; 3],
    groups: [u32; 3],
}

impl Dispatch<'_> {
    /// Begins invocation `index` of a workgroup in a lane.
    fn begin(&mut self, lane: usize, group: [u32; 3], index: u32) -> Result<(), Refusal> {
        self.machine.enters(self.main)?;
        let [x, y, _] = self.size.map(|n| n.max(1));
        let local = [index % x, index / x % y, index / x / y];
        let place = Place { group, groups: self.groups, local, size: self.size, index };
        let arguments: Vec<(u32, u32)> = self
            .arguments
            .iter()
            .filter_map(|(slot, builtin, n)| Some((*slot, *value(*builtin, &place)?.get(*n)?)))
            .collect();
        let routines: &[Routine] = self.machine.routines;
        self.lanes[lane].begin(routines, self.main, &self.private, &arguments);
        Ok(())
    }

    fn workgroup(&mut self, group: [u32; 3], count: u64, barriers: bool) -> Result<(), Refusal> {
        if !barriers {
            for index in 0..count as u32 {
                self.begin(0, group, index)?;
                self.machine.memory.invocation = index;
                self.machine.run(&mut self.lanes[0])?;
            }
            return Ok(());
        }
        (0..count as u32).try_for_each(|index| self.begin(index as usize, group, index))?;
        loop {
            let mut pause = Pause::Returned;
            for (index, lane) in self.lanes.iter_mut().enumerate().filter(|(_, lane)| !lane.is_done()) {
                self.machine.memory.invocation = index as u32;
                if let waits @ Pause::Barrier { .. } = self.machine.run(lane)? {
                    pause = waits;
                }
            }
            let Pause::Barrier { workgroup, storage } = pause else { return Ok(()) };
            self.uniform()?;
            self.machine.memory.barrier(workgroup, storage);
        }
    }

    /// That all invocations wait at the same barrier.
    fn uniform(&self) -> Result<(), Refusal> {
        let waiting = self.lanes.iter().find(|lane| !lane.is_done());
        let Some(first) = waiting else { return Ok(()) };
        let line = self.machine.line(first);
        match self.lanes.iter().find(|lane| !lane.waits_with(first)) {
            None => Ok(()),
            Some(lane) if lane.is_done() => Err(Refusal::new(format!(
                "some invocations of a workgroup wait at this barrier, others have returned: {REACH} it"
            ))
            .at(line)),
            Some(lane) => {
                let other = self.machine.line(lane).map_or(String::new(), |line| format!(" (line {line})"));
                Err(Refusal::new(format!(
                    "some invocations of a workgroup wait at this barrier, others at another{other}: {REACH} the \
                     same"
                ))
                .at(line))
            }
        }
    }
}
