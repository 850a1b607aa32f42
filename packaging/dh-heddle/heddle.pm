# SPDX-License-Identifier: Apache-2.0
# dh $@ --with heddle
use strict;
use warnings;
use Debian::Debhelper::Dh_Lib;

insert_before('dh_gencontrol', 'dh_heddle');

1;
