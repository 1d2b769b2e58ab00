#nullable enable
using System;
using System.Collections.Generic;
using Alias = System.Text.StringBuilder;
using static System.Math;

[assembly: Something("x")]

namespace Example.Sample
{
    /// <summary>A store { of things.</summary>
    [Serializable]
    public partial class Store<TKey, TValue> : Base<TValue>, IStore where TKey : notnull
    {
        private readonly Dictionary<TKey, List<TValue>> entries = new();
        public const int Limit = 10;
        public string Name { get; set; } = "{";

        public event EventHandler? Changed;

        public Store(string name) : base(name)
        {
            Name = name;
        }

        // about Get
        [Pure]
        public virtual TValue? Get(TKey key, int index = 0, params string[] rest)
        {
            if (entries.TryGetValue(key, out var found))
            {
                return found[Abs(index)];
            }
            throw new KeyNotFoundException($"no {key} in {Name + "}"} {{");
        }

        public int Count => entries.Count;

        public TValue this[int index]
        {
            get { return Get(default!, index)!; }
        }

        public async Task<string> LoadAsync<T>(Uri url) where T : class
        {
            var path = @"C:\";
            var text = """
                class NotOne {
                "void Not() {"
                """;
            int Local(int x) => x + 1;
            return await client.GetStringAsync(url + path + text + Local(1));
        }

        public static Store<TKey, TValue> operator +(Store<TKey, TValue> a, Store<TKey, TValue> b) => a;

        ~Store() { Dispose(); }

        public struct Point
        {
            public int X;
            public int Double() => X * 2;
        }
    }

    public interface IStore
    {
        int Count { get; }
        void Clear();
    }

    public enum Color { Red, Green = '}' }

    public record Person(string First, string Last)
    {
        public string Full() => $"{First} {Last}";
    }

    public delegate void Handler(object sender);

    internal static class Program
    {
        private static void Main(string[] args)
        {
            var verbatim = @"
static void NotMain() {
""";
            Console.WriteLine(new Alias().Append(verbatim));
        }
    }
}
