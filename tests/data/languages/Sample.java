// Licence.
package org.example.sample;

import java.util.*;
import java.util.Map.Entry;
import static org.example.Tools.helper;

/**
 * Keeps things; class and interface are words here.
 */
@Service("store")
public class Sample<K extends Comparable<K>, V> extends Base<V> implements Store<K>, Closeable {
    private static final int LIMIT = 10;
    private final Map<K, List<V>> entries = new HashMap<>();
    protected String open = "{", quote = "\"}";

    static {
        System.loadLibrary("sample");
    }

    public Sample(String name) {
        super(name);
    }

    /** Looks one up. */
    @Override
    public V get(K key, int... indexes) throws NotFoundException {
        for (Entry<K, List<V>> entry : entries.entrySet()) {
            if (entry.getKey().equals(key)) {
                return entry.getValue().get(helper(indexes));
            }
        }
        throw new NotFoundException("no " + key + '}');
    }

    // about text
    String text() {
        return """
            class NotOne {
              "void not() {"
            """;
    }

    <T> T generic(Function<? super V, T> f) {
        Runnable later = () -> {
            f.apply(null);
        };
        return f.apply(new Object() {
            public String toString() {
                return "anonymous";
            }
        });
    }

    abstract static class Inner implements Runnable {
        int x;

        abstract void later();

        public void run() {
            x++;
        }
    }

    enum Color {
        RED(1), GREEN(2);

        final int code;

        Color(int code) {
            this.code = code;
        }
    }

    record Pair<A, B>(A first, B second) {
        Pair {
            Objects.requireNonNull(first);
        }

        A one() {
            return first;
        }
    }
}

interface Store<K> {
    int SIZE = 3;

    Object get(K key, int... indexes);

    default boolean has(K key) {
        return get(key) != null;
    }
}

@interface Marker {
    String value() default "";
}
