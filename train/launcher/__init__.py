"""How the project starts beside others of the same names: the module ``hideseek``, installed beside the packages."""
