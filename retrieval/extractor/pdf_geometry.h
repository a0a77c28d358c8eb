// pdf_geometry.h: places on a page of a PDF file, as its operators give them.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

namespace conclave::retrieval::extractor {

struct Matrix {
    double a = 1.0;
    double b = 0.0;
    double c = 0.0;
    double d = 1.0;
    double e = 0.0;
    double f = 0.0;

    /// First this, then `next`.
    [[nodiscard]] Matrix then(const Matrix& next) const {
        return {a * next.a + b * next.c,          a * next.b + b * next.d,
                c * next.a + d * next.c,          c * next.b + d * next.d,
                e * next.a + f * next.c + next.e, e * next.b + f * next.d + next.f};
    }
    [[nodiscard]] bool isUpright() const {
        return std::abs(b) + std::abs(c) < 1e-6 * (std::abs(a) + std::abs(d));
    }
};

struct Point {
    double x = 0.0;
    double y = 0.0;
};

/// Upwards, as a page has it.
struct Box {
    double left = std::numeric_limits<double>::infinity();
    double bottom = std::numeric_limits<double>::infinity();
    double right = -std::numeric_limits<double>::infinity();
    double top = -std::numeric_limits<double>::infinity();

    void add(Point p) {
        left = std::min(left, p.x);
        right = std::max(right, p.x);
        bottom = std::min(bottom, p.y);
        top = std::max(top, p.y);
    }
    void keepInside(const Box& other) {
        left = std::max(left, other.left);
        right = std::min(right, other.right);
        bottom = std::max(bottom, other.bottom);
        top = std::min(top, other.top);
    }
    void grow(double by) {
        left -= by;
        right += by;
        bottom -= by;
        top += by;
    }
    [[nodiscard]] bool isEmpty() const { return !(left < right) || !(bottom < top); }
};

}  // namespace conclave::retrieval::extractor
