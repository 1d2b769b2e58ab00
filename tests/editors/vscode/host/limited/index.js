exports.run = require("../index.js").suite("limited");
