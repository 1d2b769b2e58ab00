# frozen_string_literal: true

require 'json'
require_relative 'helpers/text'

# Everything.
module Sample
  LIMIT = 10
  NAMES = %w[a b].freeze

  # About shapes; def and class are words here.
  class Shape < Base::Node
    include Comparable
    extend Forwardable

    attr_reader :name, :sides
    COLORS = { red: '}', green: "#{LIMIT} end" }.freeze

    def initialize(name, sides: 3, **options, &block)
      super(name)
      @name = name
      @sides = sides if sides
      block&.call(options)
    end

    # about area
    def area
      return 0 unless sides
      sides.times.map do |side|
        side * 2
      end.sum
    end

    def valid? = !name.empty?

    def self.build(*names)
      names.map { |name| new(name) }
    end

    class << self
      def default
        @default ||= build('x').first
      end
    end

    def <=>(other)
      area <=> other.area
    end

    def text
      <<~TEXT + <<-'OTHER'
def not_one
  #{name.gsub(/["'`#]/, '')}
      TEXT
class NotOne
      OTHER
    end

    def sides=(value)
      @sides = Integer(value)
    end

    private

    def hidden
      case sides
      when 1..3 then :few
      else :many
      end
    end
  end

  Point = Struct.new(:x, :y) do
    def length
      Math.sqrt(x**2 + y**2)
    end
  end

  def self.parse(text)
    JSON.parse(text, symbolize_names: true)
  rescue JSON::ParserError => e
    raise ArgumentError, "bad: #{e.message}"
  end
end

=begin
def commented
end
=end

def helper(value)
  Sample::Shape.new(value).valid?
end

describe Sample do
  it 'works' do
    expect(helper('x')).to be(true)
  end
end

puts helper(ARGV[0]) if __FILE__ == $PROGRAM_NAME
