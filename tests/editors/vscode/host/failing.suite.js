// A suite that fails: its failure has to reach whoever runs it.
test("it fails", () => {
  throw new Error("as it should");
});
