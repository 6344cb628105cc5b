# A fault of the compiler: names are lower case.
