//! Shell: carries the commands of the machine out.
