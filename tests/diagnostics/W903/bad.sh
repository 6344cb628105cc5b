# A fault of the compiler: names have no dots and no slashes.
