package org.example.sample

import scala.collection.mutable.{Map => MutableMap, Set}
import org.example._
import java.util.List

/** A shape; class and def are words here. */
@SerialVersionUID(1L)
abstract class Shape[T <: Any](val name: String, sides: Int = 3) extends Base[T](name) with Named {
  private val items = MutableMap.empty[String, T]
  var open: String = "}"

  // about area
  override def area(scale: Double): Double = {
    Math.abs(sides * scale)
  }

  def short = items.size

  @tailrec
  final def loop[A](n: Int)(implicit context: Context): A = {
    if (n > 0) loop(n - 1) else throw new Failure(s"n is ${n + "}"} {")
  }

  def text: String = """
def notOne() = {
"class NotOne {
"""

  class Inner {
    def whole: Shape[T] = Shape.this
  }
}

trait Named {
  def named: String
  def default: String = "x"
}

case class Point(x: Int, y: Int) {
  def +(other: Point): Point = Point(x + other.x, y + other.y)
}

object Shape {
  val Limit = 10
  type Handler = String => Unit

  def build(names: String*): Point = names match {
    case Seq(one) => Point(one.length, '}')
    case _ => Point(0, 0)
  }

  implicit class Rich(val text: String) extends AnyVal {
    def shout: String = text.toUpperCase
  }
}

sealed trait Result
case object Done extends Result

/* outer /* def nested() { */
object Commented {}
*/

object Main extends App {
  val helper = (x: Int) => x * 2
  def run(args: Array[String]): Unit = {
    def inner(y: Int) = y
    for (arg <- args) println(Shape.build(arg).shout)
  }
}
