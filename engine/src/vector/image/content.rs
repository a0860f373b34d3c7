//! Whether what an image holds can be an index at all: a search through it stays within its arrays and comes to an end.

use super::header::Header;
use super::read::Fault;
use crate::vector::Metric;
use crate::vector::graph::LASTING;
use crate::vector::limits::{LINKS, MAX_LEVEL, MAX_NORM};
use crate::vector::writer::{FREE, FreeRows};

/// By how much the square of the length of a normalised vector may differ from 1.
const LENGTH_ERROR: f32 = 1e-3;

/// The point and the layer that rows above the ground belong to; nothing for free ones.
pub(super) type Owners = Vec<Option<(u32, u8)>>;

/// Numbers of four bytes.
fn numbers(bytes: &[u8]) -> impl ExactSizeIterator<Item = u32> + '_ {
    bytes.as_chunks().0.iter().map(|number| u32::from_le_bytes(*number))
}

pub(super) fn check_levels(header: &Header, levels: &[u8]) -> Result<(), Fault> {
    let highest = if header.trained_on > 0 { MAX_LEVEL as u8 } else { 0 };
    match levels.iter().position(|&level| level > highest && level != FREE) {
        Some(point) => Err(format!("point {point} is in layer {}", levels[point])),
        None => Ok(()),
    }
}

pub(super) fn check_entry(header: &Header, levels: &[u8]) -> Result<(), &'static str> {
    match header.entry {
        Some((point, level)) if usize::from(levels[point as usize]) != level => Err("its entry has another level"),
        _ => Ok(()),
    }
}

pub(super) fn check_centre(centre: &[f32]) -> Result<(), Fault> {
    if centre.iter().all(|x| x.is_finite()) { Ok(()) } else { Err("it is not finite".to_owned()) }
}

/// Checks some of the slots: each stands for a point that is there.
pub(super) fn check_slots(levels: &[u8], first: usize, bytes: &[u8]) -> Result<(), Fault> {
    for (slot, number) in (first..).zip(numbers(bytes)) {
        if let Some(point) = number.checked_sub(1)
            && levels.get(point as usize).is_none_or(|&level| level == FREE)
        {
            return Err(format!("slot {slot} stands for point {point}, which is not there"));
        }
    }
    Ok(())
}

pub(super) fn free_rows(bytes: &[u8]) -> Result<Vec<FreeRows>, Fault> {
    let pairs = bytes.as_chunks::<8>().0.iter().map(|pair| u64::from_le_bytes(*pair));
    let pairs = pairs.map(|pair| (pair as u32, (pair >> 32) as u32));
    let rows = pairs.map(|(level, first)| match u8::try_from(level) {
        Ok(level) if (1..=MAX_LEVEL).contains(&usize::from(level)) => Ok(FreeRows { level, first }),
        _ => Err(format!("rows {first} are for {level} layers")),
    });
    let rows: Vec<FreeRows> = rows.collect::<Result<_, _>>()?;
    if rows.is_sorted_by(|a, b| a < b) { Ok(rows) } else { Err("they are not in order".to_owned()) }
}

/// Whom each row above the ground belongs to: every row to one layer of one point, or to one free range.
pub(super) fn owners(
    header: &Header,
    levels: &[u8],
    start: impl Fn(u32) -> Option<u32>,
    free: &[FreeRows],
) -> Result<Owners, Fault> {
    let mut owners: Owners = vec![None; header.upper_rows];
    let mut taken = vec![false; header.upper_rows];
    let mut take = |first: u32, level: u8, owner: Option<u32>| {
        for layer in 1..=level {
            let row = first as usize + usize::from(layer) - 1;
            if taken.get(row).is_none_or(|&taken| taken) {
                return Err(format!("row {row} belongs to two or is not there"));
            }
            (taken[row], owners[row]) = (true, owner.map(|point| (point, layer)));
        }
        Ok(())
    };
    for (point, &level) in (0..).zip(levels) {
        let level = if level == FREE { 0 } else { level };
        match start(point) {
            Some(first) if level > 0 => take(first, level, Some(point))?,
            None if level == 0 => {}
            _ => {
                return Err(format!(
                    "point {point} of layer {level} has no rows of its own, or has some on the ground"
                ));
            }
        }
    }
    free.iter().try_for_each(|rows| take(rows.first, rows.level, None))?;
    match taken.iter().position(|taken| !taken) {
        Some(row) => Err(format!("row {row} belongs to nobody")),
        None => Ok(owners),
    }
}

/// Checks lists of links of `bytes_of_list` bytes, whose owners are told by their number.
pub(super) fn check_lists(
    levels: &[u8],
    bytes_of_list: usize,
    owner: impl Fn(usize) -> Option<(u32, u8)>,
    first: usize,
    bytes: &[u8],
) -> Result<(), Fault> {
    let mut room = [0; 2 * *LINKS.end()];
    let list_of = &mut room[..bytes_of_list / 4];
    for (number, list) in (first..).zip(bytes.chunks_exact(bytes_of_list)) {
        list_of.iter_mut().zip(numbers(list)).for_each(|(link, number)| *link = number & !LASTING);
        if list_of.iter().zip(numbers(list)).any(|(&link, number)| link == 0 && number != 0) {
            return Err(format!("nothing is marked as lasting in the list of {}", named(owner(number))));
        }
        check_list(levels, owner(number), list_of)?;
    }
    Ok(())
}

/// Links, each a point plus one, lead to other points of the layer, to each once; all after the first zero is zero.
fn check_list(levels: &[u8], owner: Option<(u32, u8)>, list: &[u32]) -> Result<(), Fault> {
    let count = list.iter().position(|&link| link == 0).unwrap_or(list.len());
    let (links, rest) = list.split_at(count);
    if !rest.iter().all(|&link| link == 0) {
        return Err(format!("there are links behind the end of the list of {}", named(owner)));
    }
    let Some((point, layer)) = owner.filter(|(point, _)| levels[*point as usize] != FREE) else {
        return if links.is_empty() { Ok(()) } else { Err("a list that belongs to nobody has links".to_owned()) };
    };
    let is_in_layer = |link: u32| levels.get(link as usize - 1).is_some_and(|&level| level != FREE && level >= layer);
    let is_wrong =
        |(place, &link): (usize, &u32)| link - 1 == point || !is_in_layer(link) || has(&links[..place], link);
    match links.iter().enumerate().find(|&link| is_wrong(link)) {
        Some((_, link)) => Err(format!(
            "{} links to point {}, which is itself, not in the layer, or linked to already",
            named(owner),
            link - 1
        )),
        None => Ok(()),
    }
}

/// Whether `link` is among `links`, without a branch for each.
fn has(links: &[u32], link: u32) -> bool {
    links.iter().fold(false, |found, &other| found | (other == link))
}

fn named(owner: Option<(u32, u8)>) -> String {
    owner.map_or_else(|| "a free row".to_owned(), |(point, layer)| format!("point {point} in layer {layer}"))
}

/// Checks some of the vectors: finite, not too long, of length 1 where the metric has them so; zero for free points.
pub(super) fn check_vectors(header: &Header, levels: &[u8], first: usize, bytes: &[u8]) -> Result<(), Fault> {
    for (point, vector) in (first..).zip(bytes.chunks_exact(4 * header.options.dimension)) {
        let squared = squared(vector);
        let is_right = match header.options.metric {
            _ if levels[point] == FREE => squared == 0.0,
            Metric::Cosine => (squared - 1.0).abs() <= LENGTH_ERROR,
            // Rounding aside, the bound of what is taken in.
            Metric::Dot | Metric::Euclidean => f64::from(squared) <= MAX_NORM * MAX_NORM * 1.01,
        };
        if !is_right {
            return Err(format!("the vector of point {point} has a length that none can have, or is not finite"));
        }
    }
    Ok(())
}

/// The square of a vector's length; not a number, or infinite, when a component is.
fn squared(vector: &[u8]) -> f32 {
    const LANES: usize = 16;
    let (parts, rest) = vector.as_chunks::<4>().0.as_chunks::<LANES>();
    let mut sums = [0.0_f32; LANES];
    for part in parts {
        for (sum, x) in sums.iter_mut().zip(part) {
            let x = f32::from_le_bytes(*x);
            *sum += x * x;
        }
    }
    let rest = rest.iter().map(|x| f32::from_le_bytes(*x)).map(|x| x * x);
    sums.into_iter().chain(rest).sum()
}
