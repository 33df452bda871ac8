//! Where labels stand, so that none covers another. All numbers are pixels, y downwards.

/// A point, or the width and height of something.
pub(super) type Pair = (f64, f64);

/// A rectangle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Area {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Area {
    /// Around the line between two points.
    pub fn around(a: Pair, b: Pair, margin: f64) -> Self {
        Self {
            left: a.0.min(b.0) - margin,
            top: a.1.min(b.1) - margin,
            right: a.0.max(b.0) + margin,
            bottom: a.1.max(b.1) + margin,
        }
    }

    fn overlap(&self, other: &Self) -> f64 {
        let wide = self.right.min(other.right) - self.left.max(other.left);
        let tall = self.bottom.min(other.bottom) - self.top.max(other.top);
        wide.max(0.0) * tall.max(0.0)
    }

    fn size(&self) -> f64 {
        (self.right - self.left) * (self.bottom - self.top)
    }

    /// The point of the rectangle that is nearest to `point`.
    pub fn nearest(&self, point: Pair) -> Pair {
        (
            point.0.clamp(self.left, self.right),
            point.1.clamp(self.top, self.bottom),
        )
    }

    /// Small squares along the line from `point` to the rectangle.
    fn leader(&self, point: Pair) -> impl Iterator<Item = Self> + use<> {
        const PIECES: i32 = 12;
        let end = self.nearest(point);
        (1..PIECES).map(move |i| {
            let along = f64::from(i) / f64::from(PIECES);
            let at = |from: f64, to: f64| from + along * (to - from);
            let middle = (at(point.0, end.0), at(point.1, end.1));
            Self::around(middle, middle, 1.0)
        })
    }
}

/// How far from its point a label may stand, from the most wanted distance.
const DISTANCES: [f64; 9] = [7.0, 12.0, 20.0, 30.0, 42.0, 58.0, 78.0, 102.0, 130.0];
/// Directions in which it may, from the most wanted one: right, left, above, below, between.
const DIRECTIONS: [Pair; 12] = [
    (1.0, 0.0),
    (-1.0, 0.0),
    (0.0, -1.0),
    (0.0, 1.0),
    (0.8, -0.6),
    (0.8, 0.6),
    (-0.8, -0.6),
    (-0.8, 0.6),
    (0.4, -0.9),
    (0.4, 0.9),
    (-0.4, -0.9),
    (-0.4, 0.9),
];

/// Places a label of a given `(width, height)` near each point, within `page`, clear of `obstacles`, of
/// the other labels and of the lines that lead to them: each at the first place that covers nothing, or
/// else at the one that covers least.
pub(super) fn near_points(labels: &[(Pair, Pair)], page: Area, obstacles: &[Area]) -> Vec<Area> {
    let mut taken = obstacles.to_vec();
    let mut places = Vec::with_capacity(labels.len());
    for &(point, (wide, tall)) in labels {
        let place = |distance: f64, (dx, dy): Pair| {
            let x =
                point.0 + dx * distance + (dx.signum() * f64::from(dx != 0.0) - 1.0) * wide / 2.0;
            let y = point.1 + dy * distance + (dy - 1.0) * tall / 2.0;
            Area {
                left: x,
                top: y,
                right: x + wide,
                bottom: y + tall,
            }
        };
        let cost = |area: &Area| {
            let outside = area.size() - area.overlap(&page);
            let covered: f64 = taken.iter().map(|other| area.overlap(other)).sum();
            // the point's own marks touch its leader, and nothing else should
            let others = obstacles.iter().filter(|mark| mark.nearest(point) != point);
            let others: Vec<&Area> = others.chain(&places).collect();
            let crossed: f64 = area
                .leader(point)
                .flat_map(|piece| others.iter().map(move |other| piece.overlap(other)))
                .sum();
            10.0 * outside + covered + crossed
        };
        let candidates = DISTANCES
            .iter()
            .flat_map(|&distance| DIRECTIONS.map(|direction| place(distance, direction)));
        let mut best: Option<(f64, Area)> = None;
        for area in candidates {
            let cost = cost(&area);
            if best.is_none_or(|(least, _)| cost < least) {
                best = Some((cost, area));
            }
            if cost <= 0.0 {
                break;
            }
        }
        let (_, area) = best.expect("there are candidates");
        taken.push(area);
        taken.extend(area.leader(point));
        places.push(area);
    }
    places
}

/// Moves heights apart until each is `gap` from the next, and all between `low` and `high` as far as
/// there is room; their order stays.
pub(super) fn apart(heights: &[f64], gap: f64, low: f64, high: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..heights.len()).collect();
    order.sort_by(|&a, &b| heights[a].total_cmp(&heights[b]));
    let mut placed = heights.to_vec();
    let mut floor = low;
    for &i in &order {
        placed[i] = placed[i].max(floor);
        floor = placed[i] + gap;
    }
    let mut ceiling = high;
    for &i in order.iter().rev() {
        placed[i] = placed[i].min(ceiling);
        ceiling = placed[i] - gap;
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: Area = Area {
        left: 0.0,
        top: 0.0,
        right: 400.0,
        bottom: 300.0,
    };

    /// Seven methods that decode once, of nearly the same quality, beside the edge.
    #[test]
    fn labels_of_crowded_points_do_not_collide() {
        let labels: Vec<_> = (0..7)
            .map(|i| ((12.0, 140.0 + 3.0 * f64::from(i)), (80.0, 14.0)))
            .collect();
        let marks: Vec<Area> = labels
            .iter()
            .map(|&(point, _)| Area::around(point, point, 4.0))
            .collect();
        let places = near_points(&labels, PAGE, &marks);
        for (i, area) in places.iter().enumerate() {
            // sums of a few numbers below 1000
            assert!((area.overlap(&PAGE) - area.size()).abs() < 1e-9, "{area:?}");
            for other in marks.iter().chain(&places[..i]) {
                assert_eq!(area.overlap(other), 0.0, "{area:?} covers {other:?}");
            }
        }
    }

    #[test]
    fn a_lone_label_stands_to_the_right() {
        let places = near_points(&[((100.0, 100.0), (50.0, 10.0))], PAGE, &[]);
        let right = Area {
            left: 107.0,
            top: 95.0,
            right: 157.0,
            bottom: 105.0,
        };
        assert_eq!(places, [right]);
    }

    #[test]
    fn heights_are_moved_apart_in_their_order() {
        assert_eq!(
            apart(&[50.0, 10.0, 11.0, 12.0], 10.0, 0.0, 100.0),
            [50.0, 10.0, 20.0, 30.0]
        );
        assert_eq!(apart(&[99.0, 98.0], 10.0, 0.0, 100.0), [100.0, 90.0]);
        assert_eq!(apart(&[-5.0], 10.0, 0.0, 100.0), [0.0]);
    }
}
