<?php

declare(strict_types=1);

namespace App\Sample;

use App\Base\Node;
use App\Helpers\{Text as T, Json};
use function App\tools\helper;

require_once __DIR__ . '/vendor/autoload.php';

const LIMIT = 10;
define('NAME', "a {$b['x']} }");

/**
 * A shape; class and function are words here.
 */
#[Entity(table: 'shapes')]
abstract class Shape extends Node implements \Countable, HasName
{
    use Loggable;

    public const SIDES = 3;
    private ?array $items = [];
    protected static string $open = '{';

    public function __construct(private readonly string $name, int ...$sides)
    {
        parent::__construct($name);
        $this->items = array_map(fn (int $side): int => $side * 2, $sides);
    }

    // about count
    public function count(): int
    {
        return \count($this->items);
    }

    #[Pure]
    public static function build(string $name, ?Node $parent = null): static
    {
        if ($parent instanceof Node) {
            throw new InvalidArgumentException("bad {$parent->name} \"");
        }
        return new static($name);
    }

    abstract protected function area(): float;

    private function text(): string
    {
        return <<<TEXT
function notOne() {
    {$this->name}
TEXT . <<<'OTHER'
class NotOne {
OTHER;
    }
}

interface HasName
{
    public function name(): string;
}

trait Loggable
{
    public function log(string $message): void
    {
        echo $message, PHP_EOL;
    }
}

enum Color: string
{
    case Red = 'red';

    public function label(): string
    {
        return ucfirst($this->value);
    }
}

function parse(string $text, array &$options = []): ?Shape
{
    // it's a comment
    # another '
    $found = Json::decode($text);
    return helper($found, function () use ($options) {
        return T::trim($options['x']);
    });
}

$handler = function (int $code) {
    return parse("$code");
};

if (!function_exists('fallback')) {
    function fallback() {}
}
?>
<html>
<p>Don't <?= $handler(1) ?></p>
<script>
function inScript() {
}
</script>
<?php
function after() {
    return Color::Red->label();
}
