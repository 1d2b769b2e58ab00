exports.run = require("../index.js").suite("failing");
