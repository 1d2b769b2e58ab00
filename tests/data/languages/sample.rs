//! A module for reading.
use std::collections::{HashMap, hash_map::Entry as Slot};
use super::shapes::*;
use crate::io as input;

mod inner;

pub const LIMIT: usize = 10;
static NAME: &str = "a \"quoted\" {";

/// A point.
#[derive(Debug, Clone)]
pub struct Point<T> {
    pub x: T,
    y: T,
}

struct Unit;

pub enum Shape {
    Circle { radius: f64 },
    Dot(Point<f64>),
}

pub trait Area: Named {
    const SIDES: u32;
    fn area(&self) -> f64;

    fn describe(&self) -> String {
        format!("{}{{", self.area())
    }
}

impl<T: Copy> Point<T> {
    pub fn new(x: T, y: T) -> Self {
        Point { x, y }
    }

    #[inline]
    pub(crate) async fn moved<'a>(&'a mut self, by: T) -> &'a Self {
        self.x = by;
        self
    }
}

impl Area for Shape {
    const SIDES: u32 = 0;

    fn area(&self) -> f64 {
        match self {
            Shape::Circle { radius } => radius * 3.14,
            Shape::Dot(_) => '}' as u32 as f64,
        }
    }
}

#[cfg(test)]
pub fn lookup(map: &mut HashMap<String, Vec<u8>>, key: &str) -> Option<usize> {
    let raw = r#"
fn not_one() {
" "#;
    let bytes = br"\";
    if let Slot::Occupied(slot) = map.entry(key.to_string()) {
        return Some(slot.get().len() + raw.len() + bytes.len());
    }
    input::read::<u8>(key).ok()
}

/* outer /* fn nested() { */
fn commented() {}
*/

macro_rules! square {
    ($x:expr) => {
        $x * $x
    };
}

type Pair = (Point<f64>, Point<f64>);

unsafe extern "C" fn callback(code: i32) {
    square!(code);
}

extern "C" {
    fn puts(text: *const u8) -> i32;
}

mod tests {
    use super::*;

    #[test]
    fn adds() {
        assert_eq!(LIMIT, 10);
    }
}

fn main() {
    let closure = |p: Point<f64>| p.x;
    println!("{}", closure(Point::new(1.0, 2.0)));
}
