"""Addresses of a node's pods."""

from __future__ import annotations

import pytest

from kubelet.network.ipam import AddressesExhausted, AddressPool


def test_addresses_follow_the_gateway_and_go_round_before_one_comes_again():
    pool = AddressPool("10.244.3.0/29")
    assert (pool.gateway, pool.prefix_length) == ("10.244.3.1", 29)
    taken = [pool.take("x") for _ in range(3)]
    assert taken == ["10.244.3.2", "10.244.3.3", "10.244.3.4"]
    pool.release("10.244.3.2", "x")
    assert [pool.take("x") for _ in range(3)] == ["10.244.3.5", "10.244.3.6", "10.244.3.2"]


def test_pool_that_is_used_up_says_so():
    pool = AddressPool("10.244.3.0/30")
    assert pool.take("x") == "10.244.3.2"
    with pytest.raises(AddressesExhausted, match=r"10\.244\.3\.0/30"):
        pool.take("x")


def test_adopted_address_is_not_given_again():
    pool = AddressPool("10.244.3.0/29")
    pool.adopt("10.244.3.2", "y")
    pool.adopt("10.99.0.5", "y")
    assert pool.take("x") == "10.244.3.3"


def test_address_of_another_range_can_be_released():
    AddressPool("10.244.3.0/29").release("10.99.0.5", "x")


def test_ipv6_range_has_no_broadcast_address():
    pool = AddressPool("fd00::/126")
    assert [pool.take("x"), pool.take("x")] == ["fd00::2", "fd00::3"]


def test_address_cannot_be_given_back_by_one_who_had_it_before():
    pool = AddressPool("10.244.3.0/30")
    pool.release(pool.take("old"), "old")
    address = pool.take("new")
    pool.release(address, "old")
    with pytest.raises(AddressesExhausted):
        pool.take("third")
