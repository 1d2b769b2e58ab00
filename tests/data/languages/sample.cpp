// Licence.
#pragma once
#include <vector>
#include "local.hpp"

using namespace std;
using Names = std::vector<std::string>;

namespace outer {
namespace inner {

class Forward;

/// A shape.
template <typename T, int N = 3>
class Shape : public Base<T>, private detail::Other {
public:
  explicit Shape(T value) : Base<T>(value), value_{value} {}
  Shape(const Shape&) = delete;
  virtual ~Shape() = default;

  // about area
  virtual double area() const noexcept override {
    return value_ * 2;
  }

  static Shape* create(int sides);

  T& operator[](size_t index) { return items_[index]; }

  operator bool() const { return true; }

  struct Item {
    int x;
    void reset() { x = 0; }
  };

private:
  T value_;
  std::vector<Item> items_ = {};
};

template <typename T, int N>
Shape<T, N>* Shape<T, N>::create(int sides) {
  auto text = R"x(
int not_one() {
" )x";
  return new Shape<T, N>(sides + strlen(text));
}

enum class Color : int { Red, Green };

}  // namespace inner

inline std::unique_ptr<inner::Shape<int>>
make(const Names& names, char c = '}')
{
  auto count = std::count_if(names.begin(), names.end(), [&](const auto& name) {
    return name.size() > 1'000;
  });
  return std::make_unique<inner::Shape<int>>(count);
}

bool operator==(const Point& a, const Point& b) {
  return a.x == b.x;
}

static int table[] = {
  1, 2, 3,
};

}  // namespace outer

extern "C" {
int exported(void) {
  return 1;
}
}

outer::Widget::Widget(QObject* parent)
    : QWidget(parent), ui(new Ui::Widget) {
  ui->setupUi(this);
}

outer::Widget::~Widget() { delete ui; }

template <class T>
concept Small = sizeof(T) <= 4;

#define REGISTER(x) \
  static int reg_##x = 1;

constexpr auto square = [](int x) { return x * x; };

int main(int argc, char* argv[]) {
  try {
    return outer::make({argv[0]})->area();
  } catch (const std::exception& error) {
    return static_cast<int>(Color::Red);
  }
}
