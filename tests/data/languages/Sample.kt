@file:JvmName("Sample")
package org.example.sample

import kotlin.math.abs
import org.example.Base as Root
import org.example.tools.*

const val LIMIT = 10
private val names = listOf("a", "b {")

typealias Handler = (String) -> Unit

/** A shape; class and fun are words here. */
@Serializable
open class Shape<T : Any>(val name: String, private var sides: Int = 3) : Root<T>(name), Named {
    private val items = mutableListOf<T>()
    var open: String = "}"
        get() = field.trim()
        set(value) {
            field = value
        }

    init {
        require(sides > 0) { "sides ${if (sides < 0) "{" else "}"}" }
    }

    constructor(name: String) : this(name, LIMIT)

    // about area
    override fun area(scale: Double): Double {
        return abs(sides * scale)
    }

    fun short() = items.size

    suspend inline fun <reified R> load(url: String): R? {
        val text = """
fun notOne() {
    "$url"
"""
        return client.get<R>(text)
    }

    companion object {
        const val SIDES = 3

        fun build(vararg names: String): Shape<Any> = Shape(names.first())
    }

    inner class Part {
        fun whole() = this@Shape
    }
}

interface Named {
    val size: Int
    fun named(): String
    fun default() = "x"
}

data class Point(val x: Int, val y: Int)

enum class Color(val code: Int) {
    RED(1), GREEN(2);

    fun bright() = code > 1
}

object Registry {
    fun register(shape: Shape<*>) {
        names.forEach { println(it) }
    }
}

sealed interface Result

fun String.shout(): String = uppercase() + '"'

fun <T> helper(value: T, block: (T) -> Unit = {}) {
    val local = object : Named {
        override val size = 1
        override fun named() = "local"
    }
    block(value)
    Registry.register(Shape.build(local.named()))
}

/* outer /* fun nested() { */
fun commented() {}
*/

fun main(args: Array<String>) {
    when (val first = args.firstOrNull()) {
        null -> return
        else -> helper(first) { it.shout() }
    }
}
